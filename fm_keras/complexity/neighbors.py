"""Minimum spanning tree and nearest neighbors of labeled points, exactly and without a matrix of all distances.

copies.py     duplicates stand for one another   distances.py  blocks of float32 distances, and exact ones of pairs
minima.py     the nearest pair of every group    tree.py       the order of edges that makes the tree unique
prim.py       the tree from all distances        boruvka.py    the tree from blocks computed again and again
plan.py       which of the two, and its memory   accelerated.py  blocks from a GPU

Distances are Euclidean and compared in float64, ties going to the smaller index: a result does not depend on the
machine's float32 arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fm_keras.complexity.boruvka import boruvka_edges
from fm_keras.complexity.copies import Copies, find_copies
from fm_keras.complexity.distances import Cloud
from fm_keras.complexity.minima import Minima, Pairs
from fm_keras.complexity.plan import plan_tree
from fm_keras.complexity.points import check_labels, check_points, scaled
from fm_keras.complexity.prim import prim_edges
from fm_keras.complexity.tree import Tree, ordered_tree


@dataclass(frozen=True, eq=False)
class Nearest:
    """A neighbor of every point, the smallest index among equally near ones."""

    index: np.ndarray
    """(N,) int64; -1 where there is none"""
    distance: np.ndarray
    """(N,) float64; infinite where there is none"""

    def or_nearer(self, other: Nearest) -> Nearest:
        """Of two neighbors of each point the nearer one; of equally near ones the smaller index."""
        tie = (other.distance == self.distance) & (other.index >= 0) & (other.index < self.index)
        take = (other.distance < self.distance) | tie
        return Nearest(np.where(take, other.index, self.index), np.where(take, other.distance, self.distance))


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """What the distances between labeled points say."""

    same: Nearest
    """nearest point of the same label"""
    other: Nearest
    """nearest point of another label"""
    tree: Tree | None
    """minimum spanning tree, where it was asked for"""

    @property
    def nearest(self) -> Nearest:
        """Nearest point of any label."""
        return self.same.or_nearer(self.other)


def neighborhood(
    points: np.ndarray,
    labels: np.ndarray,
    *,
    tree: bool = True,
    memory_limit: float = 2.0,
    cloud_type: type[Cloud] = Cloud,
) -> Neighborhood:
    """Nearest neighbors of the same and of other labels and, if asked for, the tree: one pass over the distances.

    Args:
        points: (N, D) numbers; further axes are flattened.
        labels: (N,) whole numbers.
        tree: whether the minimum spanning tree is wanted, too.
        memory_limit: GB beyond the points themselves, see `plan_tree`.
        cloud_type: where distances are computed; the result is the same, see `fm_keras.complexity.accelerated`.

    Raises:
        InvalidInput: no points, NaN or infinite numbers, labels that are not N whole numbers.
    """
    points, power = scaled(check_points(points))
    labels = check_labels(labels, len(points))
    copies = find_copies(points, labels)
    cloud = cloud_type.of(points, copies.kept)
    size, width = len(cloud), points.shape[1]
    keep = tree and plan_tree(size, width, memory_limit).method == "prim"
    matrix = np.empty((size, size), np.float32) if keep else None
    same, other = _nearest_by_label(cloud, labels[copies.kept], matrix)
    found = Neighborhood(_spread(same, copies, power, twins=True), _spread(other, copies, power, twins=False), None)
    if not tree:
        return found
    edges, squared = prim_edges(cloud, matrix) if keep else boruvka_edges(cloud, _nearer(same, other))
    return Neighborhood(found.same, found.other, _with_copies(edges, squared, copies, power))


def spanning_tree(points: np.ndarray, *, memory_limit: float = 2.0) -> Tree:
    """Minimum spanning tree by Euclidean distance, the one whose edges come first by length, smaller and larger point.

    Duplicates make edges of length zero, each to the first point of its place.

    Args:
        points: (N, D) numbers; further axes are flattened.
        memory_limit: GB beyond the points themselves, see `plan_tree`.

    Raises:
        InvalidInput: no points, NaN or infinite numbers.

    Example:
        >>> spanning_tree(np.array([[0.0], [5.0], [1.0], [0.0]])).edges.tolist()
        [[0, 3], [0, 2], [1, 2]]
    """
    points = check_points(points)
    return neighborhood(points, np.zeros(len(points), np.int64), memory_limit=memory_limit).tree


def two_nearest(points: np.ndarray, *, cloud_type: type[Cloud] = Cloud) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest and to the second nearest point, duplicates counted once.

    Args:
        points: (N, D) numbers; further axes are flattened.
        cloud_type: where distances are computed.

    Returns:
        Two float64 arrays (M,), M the number of distinct points; infinite where there is no such point.

    Raises:
        InvalidInput: no points, NaN or infinite numbers.
    """
    points = check_points(points)
    cloud = cloud_type.of(points, find_copies(points, np.zeros(len(points), np.int64)).kept)
    position = np.empty(len(points), np.int64)
    position[cloud.index] = np.arange(len(cloud))
    nearest, distances = np.full(len(cloud), -1), np.full((2, len(cloud)), np.inf)
    for number in range(2):
        minima = Minima(cloud, np.arange(len(cloud)))
        for rows, columns, tile in cloud.tiles():
            _offer_but(minima, tile, rows, columns, nearest)
            if rows != columns:
                _offer_but(minima, tile.T, columns, rows, nearest)
        found = minima.settle()
        nearest[found.group] = position[found.second]
        distances[number, found.group] = np.sqrt(found.squared)
    return distances[0], distances[1]


def _offer_but(minima: Minima, tile: np.ndarray, rows: slice, columns: slice, known: np.ndarray) -> None:
    """Offer a block without one known neighbor of each row."""
    inside = np.flatnonzero((known[rows] >= columns.start) & (known[rows] < columns.stop))
    place = inside, known[rows][inside] - columns.start
    before = tile[place]
    tile[place] = np.inf
    minima.offer(tile, rows, columns)
    tile[place] = before


def _nearest_by_label(cloud: Cloud, labels: np.ndarray, matrix: np.ndarray | None) -> tuple[Pairs, Pairs]:
    """Nearest row of the same and of another label for every row of a cloud that is sorted by label."""
    same, other = (Minima(cloud, np.arange(len(cloud))) for _ in range(2))
    for rows, columns, tile in cloud.tiles(matrix):
        left, right = labels[rows], labels[columns]
        if left[0] == right[-1]:
            _offer(same, tile, rows, columns)
            continue
        alike = [(_run(left, label), _run(right, label)) for label in np.intersect1d(left, right)]
        before = [tile[part].copy() for part in alike]
        for row, column in alike:
            _offer(same, tile[row, column], _shifted(row, rows), _shifted(column, columns))
            tile[row, column] = np.inf
        _offer(other, tile, rows, columns)
        for part, distances in zip(alike, before):
            tile[part] = distances  # the matrix is read again
    return same.settle(), other.settle()


def _offer(minima: Minima, tile: np.ndarray, rows: slice, columns: slice) -> None:
    """Offer a block, and its mirror image unless it is its own."""
    minima.offer(tile, rows, columns)
    if rows != columns:
        minima.offer(tile.T, columns, rows)


def _run(labels: np.ndarray, label: int) -> slice:
    """Where a label stands among sorted ones."""
    return slice(*np.searchsorted(labels, [label, label + 1]))


def _shifted(part: slice, by: slice) -> slice:
    """Place in the cloud of a part of a block."""
    return slice(by.start + part.start, by.start + part.stop)


def _nearer(same: Pairs, other: Pairs) -> Pairs:
    """Of the pairs of each group the nearer one; of equally near ones that with the smaller index."""
    group, first, second, squared = (
        np.concatenate([getattr(same, name), getattr(other, name)]) for name in ("group", "first", "second", "squared")
    )
    order = np.lexsort((second, squared, group))
    kept = order[np.flatnonzero(np.diff(group[order], prepend=-1))]
    return Pairs(group[kept], first[kept], second[kept], squared[kept])


def _spread(pairs: Pairs, copies: Copies, power: int, *, twins: bool) -> Nearest:
    """Neighbors of all points from those of the points that stand for them."""
    index, distance = np.full(len(copies.kept), -1), np.full(len(copies.kept), np.inf)
    index[pairs.group], distance[pairs.group] = pairs.second, np.ldexp(np.sqrt(pairs.squared), -power)
    index, distance = index[copies.kept_as], distance[copies.kept_as]
    if twins:
        has = copies.partner >= 0
        index, distance = np.where(has, copies.partner, index), np.where(has, 0.0, distance)
    return Nearest(index, distance)


def _with_copies(edges: np.ndarray, squared: np.ndarray, copies: Copies, power: int) -> Tree:
    """Tree of all points: those left out hang on the first point of their place."""
    out = np.setdiff1d(np.arange(len(copies.twin)), copies.kept)
    more = np.stack([copies.twin[out], out], axis=1)
    tree = ordered_tree(np.concatenate([edges, more]), np.concatenate([squared, np.zeros(len(out))]))
    return replace(tree, lengths=np.ldexp(tree.lengths, -power))
