"""Which algorithm finds the tree, and the memory it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fm_keras.complexity.distances import TILE
from fm_keras.errors import InvalidInput

_FLOAT = 4


@dataclass(frozen=True)
class TreePlan:
    """How a tree will be found."""

    method: Literal["prim", "boruvka"]
    """prim: all distances are kept; boruvka: blocks of them are computed again in every round"""
    memory: int
    """bytes beyond the points themselves, about"""
    points: int
    """how many points"""
    width: int
    """coordinates of each"""


def plan_tree(points: int, width: int, memory_limit: float = 2.0) -> TreePlan:
    """Choose the algorithm for a tree: Prim's where the distances of all points fit in memory.

    Args:
        points: how many, N.
        width: coordinates of each, D.
        memory_limit: GB that all may take beyond the points themselves.

    Raises:
        InvalidInput: a memory limit that is not positive.

    Example:
        >>> plan_tree(10_000, 512).method, plan_tree(50_000, 512).method
        ('prim', 'boruvka')
    """
    if not memory_limit > 0:
        raise InvalidInput(f"The memory limit must be a positive number of GB; received {memory_limit}.")
    side = min(points, TILE)
    prepared = _FLOAT * width * (points + side)
    prim = prepared + _FLOAT * points * points
    if prim <= memory_limit * 1e9:
        return TreePlan("prim", prim, points, width)
    return TreePlan("boruvka", prepared + _FLOAT * (width * points + 4 * side * side), points, width)
