"""The spanning tree that edges ordered by length and then by points have: there is exactly one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree


@dataclass(frozen=True, eq=False)
class Tree:
    """A minimum spanning tree.

    Edges are ordered by length, smaller point, larger point; in this order no two are equal, so the tree is unique
    even where lengths are.
    """

    edges: np.ndarray
    """(N - 1, 2) points of each edge, the smaller first, in order"""
    lengths: np.ndarray
    """(N - 1,) Euclidean lengths in float64; zero between duplicates"""


def ordered_tree(edges: np.ndarray, squared: np.ndarray) -> Tree:
    """Tree of edges (E, 2) and their squared lengths, put in order."""
    edges = np.sort(edges, axis=1)
    order = np.lexsort((edges[:, 1], edges[:, 0], squared))
    return Tree(edges[order], np.sqrt(squared[order]))


def lightest_edges(count: int, edges: np.ndarray, squared: np.ndarray) -> np.ndarray:
    """Which edges make the minimum spanning forest of a graph.

    Args:
        count: number of points.
        edges: (E, 2) pairs of points, each pair once.
        squared: (E,) squared lengths; ties go to the smaller points.

    Returns:
        Indices of edges.
    """
    low, high = edges.min(axis=1), edges.max(axis=1)
    order = np.lexsort((high, low, squared))
    ranks = np.arange(1.0, len(order) + 1)  # SciPy drops edges of length zero, and knows no order among equal ones
    tree = minimum_spanning_tree(coo_array((ranks, (low[order], high[order])), shape=(count, count)).tocsr())
    return np.sort(order[tree.data.astype(np.int64) - 1])
