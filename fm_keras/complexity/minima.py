"""The nearest pair of every group, exactly: float32 blocks sort out what is far, float64 decides among the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fm_keras.complexity.distances import Cloud, exact_distances

_PENDING = 2**21


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of points, by their numbers among all points."""

    group: np.ndarray
    """(E,) for which group each pair was found, ascending"""
    first: np.ndarray
    """(E,) the point of the group"""
    second: np.ndarray
    """(E,) its neighbor"""
    squared: np.ndarray
    """(E,) squared distance in float64"""


class Minima:
    """The pair with the least distance of every group of rows, ties going to the smaller indices of points.

    Args:
        cloud: the points.
        groups: (M,) group of each row: the row itself for nearest neighbors, its component for a tree.
    """

    def __init__(self, cloud: Cloud, groups: np.ndarray) -> None:
        self.cloud, self.groups = cloud, groups
        self.best = np.full(groups.max() + 1, np.inf, np.float32)
        nothing = np.empty(0, np.int64)
        self._found = [(nothing, nothing, np.empty(0, np.float32))]
        self._pending = 0

    def offer(self, tile: np.ndarray, rows: slice, columns: slice) -> None:
        """Look for near pairs in a block of `upper`; infinity where there is none to look at."""
        least, groups = tile.min(axis=1), self.groups[rows]
        np.minimum.at(self.best, groups, least)
        slack = self.cloud.slack[rows] + self.cloud.slack[columns].max()
        limit = self.best[groups] + slack
        limit[np.isinf(least)] = -np.inf
        close = np.flatnonzero(least <= limit)
        if 2 * len(close) > len(tile):
            row, column = _below(tile, limit)
        else:
            row, column = _below(tile[close], limit[close])
            row = close[row]
        low = tile[row, column] - slack[row]
        self._found.append((row + rows.start, column + columns.start, low))
        self._pending += len(row)
        if self._pending > _PENDING:
            self._reduce()

    def settle(self) -> Pairs:
        """The nearest pair of each group that has one."""
        return self._nearest()[0]

    def _reduce(self) -> None:
        """Keep one pair of each group: many ties would fill the memory."""
        _, (row, column) = self._nearest()
        self._found = [(row, column, np.full(len(row), -np.inf, np.float32))]
        self._pending = len(row)

    def _nearest(self) -> tuple[Pairs, tuple[np.ndarray, np.ndarray]]:
        row, column, low = (np.concatenate(parts) for parts in zip(*self._found))
        possible = np.flatnonzero(low <= self.best[self.groups[row]])
        row, column = row[possible], column[possible]
        group, first, second = self.groups[row], self.cloud.index[row], self.cloud.index[column]
        squared = exact_distances(self.cloud.points, first, second)
        order = np.lexsort((np.maximum(first, second), np.minimum(first, second), squared, group))
        kept = order[np.flatnonzero(np.diff(group[order], prepend=-1))]
        return Pairs(group[kept], first[kept], second[kept], squared[kept]), (row[kept], column[kept])


def _below(tile: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns where a block is at most the limit of the row; NumPy is fast at this along the memory only."""
    if tile.strides[0] >= tile.strides[1]:
        return np.divmod(np.flatnonzero(tile <= limit[:, None]), tile.shape[1])
    return np.divmod(np.flatnonzero(tile.T <= limit), len(tile))[::-1]
