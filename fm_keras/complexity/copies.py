"""Points that are equal to others: they need no distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BLOCK_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class Copies:
    """Which points stand for those equal to them."""

    twin: np.ndarray
    """(N,) first point that is equal to each, itself included, whatever its label"""
    kept: np.ndarray
    """(M,) first point of each place and label, by label and then by number"""
    kept_as: np.ndarray
    """(N,) which of `kept` stands for each point"""
    partner: np.ndarray
    """(N,) first other point of the same place and label; -1 for none"""


def find_copies(points: np.ndarray, labels: np.ndarray) -> Copies:
    """Find points that are equal to others.

    Args:
        points: (N, D) numbers without NaN.
        labels: (N,) whole numbers.
    """
    place, first = _places(points)
    both = np.stack([labels, place], axis=1)
    order = np.lexsort((np.arange(len(both)), place, labels))
    begins = np.flatnonzero(np.diff(both[order], axis=0, prepend=both[order[:1]] - 1).any(axis=1))
    number = np.empty(len(order), np.int64)
    number[order] = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(order)))
    firsts, partner = order[begins], np.full(len(order), -1)
    several = begins[np.diff(begins, append=len(order)) > 1]
    partner[order] = np.where(order == firsts[number[order]], -1, firsts[number[order]])
    partner[order[several]] = order[several + 1]
    by_label = np.lexsort((firsts, labels[firsts]))
    position = np.empty_like(by_label)
    position[by_label] = np.arange(len(by_label))
    return Copies(first[place], firsts[by_label], position[number], partner)


def _places(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the place of each point, and the first point at each place."""
    _, first, place = np.unique(_checksums(points), return_index=True, return_inverse=True)
    if len(first) == len(points) or all((points[part] == points[first[place[part]]]).all() for part in _parts(points)):
        return place, first
    rows = np.ascontiguousarray(_one_zero(points))  # other points of the same checksum: next to never
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
    return place, first


def _checksums(points: np.ndarray) -> np.ndarray:
    """A number of each point's bytes, equal for equal points: they are told apart far sooner than by sorting them."""
    weights = np.random.default_rng(0).integers(2**63, size=points.shape[1], dtype=np.uint64) | np.uint64(1)
    sums = np.empty(len(points), np.uint64)
    for part in _parts(points):
        sums[part] = (_one_zero(points[part]).view(f"u{points.itemsize}") * weights).sum(axis=1)
    return sums


def _parts(points: np.ndarray) -> list[slice]:
    """Some rows at a time: a copy of all may not fit in memory."""
    step = max(1, _BLOCK_BYTES // (8 * points.shape[1]))
    return [slice(start, start + step) for start in range(0, len(points), step)]


def _one_zero(rows: np.ndarray) -> np.ndarray:
    """Rows whose -0 is 0, which it equals: their bytes differ."""
    return rows + np.zeros((), rows.dtype) if rows.dtype.kind == "f" else rows
