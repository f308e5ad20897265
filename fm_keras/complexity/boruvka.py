"""Boruvka's tree of points whose distances do not fit in memory: blocks are computed again in every round."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fm_keras.complexity.distances import Cloud, block_buffer, blocks
from fm_keras.complexity.minima import Minima, Pairs


def boruvka_edges(cloud: Cloud, nearest: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the minimum spanning tree.

    In each round every component takes the shortest edge that leaves it, but for the largest, which the others come
    to: soon most points lie in it, and only blocks of the rest are looked at.

    Args:
        cloud: M points.
        nearest: nearest neighbor of every point, the first round.

    Returns:
        (M - 1, 2) pairs of points, by their numbers among all points, and squared lengths.
    """
    position = np.empty(len(cloud.points), np.int64)
    position[cloud.index] = np.arange(len(cloud))
    edges, squared = _merge(np.empty((0, 2), np.int64), np.empty(0), nearest)
    while len(edges) < len(cloud) - 1:
        links = position[edges]
        graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(cloud), len(cloud)))
        edges, squared = _merge(edges, squared, _shortest_leaving(cloud, connected_components(graph)[1]))
    return edges, squared


def _merge(edges: np.ndarray, squared: np.ndarray, found: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Edges and those found; two components may have found the same one."""
    new, first = np.unique(np.sort(np.stack([found.first, found.second], axis=1), axis=1), axis=0, return_index=True)
    return np.concatenate([edges, new]), np.concatenate([squared, found.squared[first]])


def _shortest_leaving(cloud: Cloud, component: np.ndarray) -> Pairs:
    """Shortest edge that leaves each component, but for the largest."""
    sizes = np.bincount(component)
    rank = np.argsort(np.argsort(sizes, kind="stable"))[component]  # by size: the largest comes last
    order = np.argsort(rank, kind="stable")
    cloud, rank = cloud.take(order), rank[order]
    minima = Minima(cloud, rank)
    small = len(cloud) - sizes.max()
    parts, buffer = blocks(small), block_buffer(len(cloud))
    for number, rows in enumerate(parts):
        for columns in parts[number:] + blocks(len(cloud), small):
            if rank[rows.start] == rank[columns.stop - 1]:
                continue
            tile = cloud.block(rows, columns, buffer[: rows.stop - rows.start, : columns.stop - columns.start])
            if rank[rows.stop - 1] >= rank[columns.start]:
                np.copyto(tile, np.inf, where=rank[rows, None] == rank[columns])
            minima.offer(tile, rows, columns)
            if columns.start < small and rows != columns:
                minima.offer(tile.T, columns, rows)
    return minima.settle()
