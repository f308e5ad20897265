"""Squared distances between points: fast float32 blocks with a bound on their error, and exact ones of single pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

TILE = 2048
"""points along each side of a block of distances"""
_ROUNDING = 2.0**-24
_TINY = 2.0**-100
_PAIR_BYTES = 2**20


def exact_distances(points: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared distances of pairs in float64: the same bits for a pair whatever it is computed with, in either order.

    Args:
        points: (N, D) numbers.
        first: (E,) one point of each pair.
        second: (E,) the other.
    """
    squared = np.empty(len(first))
    step = max(1, _PAIR_BYTES // (8 * points.shape[1]))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        apart = np.subtract(points[first[part]], points[second[part]], dtype=np.float64)
        np.einsum("ed,ed->e", apart, apart, out=squared[part])
    return squared


@dataclass(frozen=True, eq=False)
class Cloud:
    """Some of the points, in some order, ready for blocks of distances.

    Blocks hold `upper`, which no squared distance exceeds, in the cloud's own scale, and
    `upper[i, j] - slack[i] - slack[j]`, which none falls below.
    """

    points: np.ndarray
    """(N, D) all points, as given"""
    index: np.ndarray
    """(M,) which point each row is"""
    rows: np.ndarray
    """(M, D + 2) float32: centered and scaled coordinates, one, and the padded squared norm"""
    slack: np.ndarray
    """(M,) float32"""
    scale: float
    """what coordinates were multiplied with"""

    @classmethod
    def of(cls, points: np.ndarray, index: np.ndarray) -> Cloud:
        """Cloud of some points: centered, since |x|^2 + |y|^2 - 2 x.y cancels, and scaled to at most one."""
        kind = np.float32 if points.dtype == np.float32 else np.float64
        center = points.mean(axis=0, dtype=np.float64).astype(kind)
        largest = max(np.abs(points.max(axis=0) - center).max(), np.abs(points.min(axis=0) - center).max())
        most = 100 if kind is np.float32 else 1000  # a power of two that the type holds
        scale = 2.0 ** -np.clip(np.ceil(np.log2(largest)), -most, most) if largest > 0 else 1.0
        size, width = len(index), points.shape[1]
        rows, norms = np.ones((size, width + 2), np.float32), np.empty(size)
        step = max(1, _PAIR_BYTES // (8 * width))
        for start in range(0, size, step):
            part = slice(start, start + step)
            rows[part, :-2] = (points[index[part]] - center) * kind(scale)
            norms[part] = np.square(rows[part, :-2]).sum(axis=1, dtype=np.float64)
        error = error_bound(width)
        rows[:, -1] = norms * (1 + error) + _TINY
        return cls(points, index, rows, (2 * (error * norms + _TINY)).astype(np.float32), scale)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, order: np.ndarray) -> Cloud:
        """The same points in another order, or some of them."""
        return replace(self, index=self.index[order], rows=self.rows[order], slack=self.slack[order])

    def left(self, rows: slice) -> np.ndarray:
        """What `rows` of other points are multiplied with to give a block."""
        left = self.rows[rows] * np.float32(-2)
        left[:, -2] = self.rows[rows, -1]
        left[:, -1] = 1
        return left

    def block(self, left: np.ndarray, columns: slice, out: np.ndarray) -> np.ndarray:
        """Block of `upper`, written to `out`: the points of `left` against those of some columns."""
        return np.matmul(left, self.rows[columns].T, out=out)

    def tiles(self, matrix: np.ndarray | None = None) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Blocks of `upper` on and above the diagonal, on which no point is near itself.

        Args:
            matrix: (M, M) float32 that takes all blocks and their mirror images; None to keep one at a time.

        Yields:
            Rows, columns and block, which is overwritten by the next one unless there is a matrix.
        """
        parts = blocks(len(self))
        one = block_buffer(len(self)) if matrix is None else None
        for number, rows in enumerate(parts):
            left = self.left(rows)
            for columns in parts[number:]:
                out = matrix[rows, columns] if one is None else one[: len(left), : columns.stop - columns.start]
                tile = self.block(left, columns, out)
                if rows == columns:
                    np.fill_diagonal(tile, np.inf)
                elif matrix is not None:
                    _mirror(tile, matrix[columns, rows])
                yield rows, columns, tile


def block_buffer(size: int) -> np.ndarray:
    """Room for one block of so many points: new memory for each block would cost as much as the distances in it."""
    return np.empty((min(size, TILE), min(size, TILE)), np.float32)


def _mirror(tile: np.ndarray, image: np.ndarray) -> None:
    """Write a block's transpose, a few rows at a time, since the cache holds no more lines."""
    for start in range(0, len(tile), 64):
        image[:, start : start + 64] = tile[start : start + 64].T


def blocks(stop: int, start: int = 0) -> list[slice]:
    """Slices of `TILE` from start to stop; the last is smaller."""
    return [slice(first, min(first + TILE, stop)) for first in range(start, stop, TILE)]


def error_bound(width: int) -> float:
    """Error of a float32 block, as a share of the sum of two squared norms.

    Rounding errors of a sum of n terms grow with n at worst, and with its root if they are independent: eight roots
    then fail with a probability below 3e-14 a term (Higham and Mary, SIAM J. Sci. Comput. 41, A2815, 2019).
    """
    terms = width + 2
    return (2 * min(terms, 8 * np.sqrt(terms)) + 32) * _ROUNDING
