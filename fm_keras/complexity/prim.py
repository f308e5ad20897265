"""Prim's tree of points whose distances fit in memory."""

from __future__ import annotations

import numpy as np

from fm_keras.complexity.distances import Cloud, exact_distances
from fm_keras.complexity.tree import lightest_edges

_PENDING = 2**21


def prim_edges(cloud: Cloud, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the minimum spanning tree.

    Prim's algorithm runs on float32 distances.  No step on the tree's path between two visited points is longer than
    the longest taken since the earlier of them was reached.  Every edge that could be shorter, rounding considered, is
    noted; any other is the longest of a circle and in no minimum tree.  Of the few that are noted, float64 chooses.

    Args:
        cloud: M points.
        upper: (M, M) distances of `Cloud.tiles`, both halves.

    Returns:
        (M - 1, 2) pairs of points, by their numbers among all points, and squared lengths.
    """
    size, slack, forest = len(cloud), cloud.slack, _Forest(cloud)
    order, longest = np.zeros(size, np.int64), []
    limit, visited = np.full(size, -np.inf, np.float32), np.zeros(size, np.float32)
    near, room = upper[0].copy(), np.empty(size, np.float32)
    visited[0] = np.inf
    for step in range(1, size):
        new = near.argmin()
        row, length, since = upper[new], near[new], step - 1
        while longest and longest[-1][0] <= length:  # the longest step so far, the longest after it, …
            since = longest.pop()[1]
        longest.append((length, since))
        shorter = order[since:step]
        limit[shorter] = length + slack[shorter]
        forest.note(new, (row <= np.add(limit, slack[new], out=room)).nonzero()[0])
        order[step] = new
        visited[new] = near[new] = np.inf
        np.minimum(near, np.add(row, visited, out=room), out=near)
    return forest.settle()


class _Forest:
    """The edges noted so far, thinned out to a forest where they are many."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._edges, self._squared = np.empty((0, 2), np.int64), np.empty(0)
        self._new: list[tuple[int, np.ndarray]] = []
        self._pending = 0

    def note(self, point: int, others: np.ndarray) -> None:
        """Note edges between a point and others."""
        self._new.append((point, others))
        self._pending += others.size
        if self._pending > _PENDING:
            self._thin_out()

    def settle(self) -> tuple[np.ndarray, np.ndarray]:
        """The lightest edges, and their squared lengths."""
        self._thin_out()
        return self._edges, self._squared

    def _thin_out(self) -> None:
        if not self._new:
            return
        points, others = zip(*self._new)
        pairs = np.repeat(points, [each.size for each in others]), np.concatenate(others)
        first, second = (self._cloud.index[each] for each in pairs)
        squared = np.concatenate([self._squared, exact_distances(self._cloud.points, first, second)])
        edges = np.concatenate([self._edges, np.stack([first, second], axis=1)])
        kept = lightest_edges(len(self._cloud.points), edges, squared)
        self._edges, self._squared = edges[kept], squared[kept]
        self._new, self._pending = [], 0
