"""Squared distances between points: fast float32 blocks with a bound on their error, and exact ones of single pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

TILE = 2048
"""points along each side of a block of distances"""
COORDINATES = 4096
"""coordinates that are multiplied at a time"""
_ROUNDING = 2.0**-24
_LARGE = 2.0**100
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
    for part in slices(len(first), max(1, _PAIR_BYTES // (8 * points.shape[1]))):
        apart = np.subtract(points[first[part]], points[second[part]], dtype=np.float64)
        np.einsum("ed,ed->e", apart, apart, out=squared[part])
    return squared


@dataclass(frozen=True, eq=False)
class Cloud:
    """Some of the points, in some order, from which blocks of distances are made.

    Blocks hold `upper`, which no squared distance exceeds, in the cloud's own scale, and
    `upper[i, j] - slack[i] - slack[j]`, which none falls below.  What they are products of is made from the points for
    each block anew: that takes little time, and a copy of all points would take as much memory as they do.
    """

    points: np.ndarray
    """(N, D) all points, as given"""
    index: np.ndarray
    """(M,) which point each row is"""
    center: np.ndarray
    """(D,) what is subtracted, in the type in which that is done"""
    norms: np.ndarray
    """(M,) float32: padded squared norms"""
    slack: np.ndarray
    """(M,) float32"""
    scale: float
    """what coordinates are multiplied with"""

    @classmethod
    def of(cls, points: np.ndarray, index: np.ndarray) -> Cloud:
        """Cloud of some points: centered, since |x|^2 + |y|^2 - 2 x.y cancels, and scaled to at most one."""
        center = points.mean(axis=0, dtype=np.float64)
        largest = max(np.abs(points.max(axis=0) - center).max(), np.abs(points.min(axis=0) - center).max())
        kind = np.float32 if points.dtype == np.float32 and largest < _LARGE else np.float64
        most = 100 if kind is np.float32 else 1000  # a power of two that the type holds
        scale = 2.0 ** -np.clip(np.ceil(np.log2(largest)), -most, most) if largest > 0 else 1.0
        center, norms = center.astype(kind), np.empty(len(index))
        for part in slices(len(index), max(1, _PAIR_BYTES // (8 * len(center)))):
            norms[part] = np.square(_coordinates(points, index[part], center, scale)).sum(axis=1, dtype=np.float64)
        error = error_bound(len(center))
        padded, slack = norms * (1 + error) + _TINY, 2 * (error * norms + _TINY)
        return cls(points, index, center, padded.astype(np.float32), slack.astype(np.float32), scale)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, order: np.ndarray) -> Cloud:
        """The same points in another order, or some of them."""
        return replace(self, index=self.index[order], norms=self.norms[order], slack=self.slack[order])

    def block(self, rows: slice, columns: slice, out: np.ndarray) -> np.ndarray:
        """Block of `upper`, written to `out`."""
        for part in slices(self.points.shape[1], COORDINATES):
            left, right = self._factor(rows, part), self._factor(columns, part)
            left[:, :-2] *= -2
            left[:, [-2, -1]] = left[:, [-1, -2]]
            if part.start == 0:
                self.multiply(left, right, out)
            else:
                out += self.multiply(left, right, np.empty_like(out))
        return out

    def multiply(self, left: np.ndarray, right: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Products of all rows of two float32 matrices, written to `out`."""
        return np.matmul(left, right.T, out=out)

    def _factor(self, rows: slice, part: slice) -> np.ndarray:
        """(m, d + 2) float32: some coordinates of some rows, then one and the norm with the first ones, else zeros."""
        index = self.index[rows]
        factor = np.zeros((len(index), len(self.center[part]) + 2), np.float32)
        for near in slices(len(index), max(1, _PAIR_BYTES // (8 * factor.shape[1]))):
            factor[near, :-2] = _coordinates(self.points[:, part], index[near], self.center[part], self.scale)
        if part.start == 0:
            factor[:, -2], factor[:, -1] = 1, self.norms[rows]
        return factor

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
            for columns in parts[number:]:
                place = slice(rows.stop - rows.start), slice(columns.stop - columns.start)
                tile = self.block(rows, columns, matrix[rows, columns] if one is None else one[place])
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
    return slices(stop, TILE, start)


def slices(stop: int, step: int, start: int = 0) -> list[slice]:
    """Slices of one length from start to stop; the last is smaller."""
    return [slice(first, min(first + step, stop)) for first in range(start, stop, step)]


def _coordinates(points: np.ndarray, index: np.ndarray, center: np.ndarray, scale: float) -> np.ndarray:
    """Centered and scaled coordinates of some points in float32."""
    return ((points[index] - center) * center.dtype.type(scale)).astype(np.float32, copy=False)


def error_bound(width: int) -> float:
    """Error of a float32 block, as a share of the sum of two squared norms.

    Rounding errors of a sum of n terms grow with n at worst, and with its root if they are independent: eight roots
    then fail with a probability below 3e-14 a term (Higham and Mary, SIAM J. Sci. Comput. 41, A2815, 2019).
    """
    terms = width + 2
    return (2 * min(terms, 8 * np.sqrt(terms)) + 32) * _ROUNDING
