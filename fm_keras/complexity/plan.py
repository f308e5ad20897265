"""Which algorithm finds the tree, and the memory that it and the measures take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fm_keras.complexity.distances import COORDINATES, TILE
from fm_keras.errors import InvalidInput

OF_THE_TREE = ("n1", "n1_edges")
"""measures that take the tree"""
AT_ONCE = 2**22
"""numbers that f1 looks at, at a time"""
_FLOAT, _DOUBLE = 4, 8


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
    """Choose the algorithm for a tree: Prim's where the distances of all points fit in memory, else Boruvka's.

    Where neither fits, it is the one that takes less.

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
    prim = _blocks(points, width, tiles=2) + _FLOAT * points**2
    plans = TreePlan("prim", prim, points, width), TreePlan("boruvka", _blocks(points, width), points, width)
    fitting = [plan for plan in plans if plan.memory <= memory_limit * 1e9]
    return fitting[0] if fitting else min(plans, key=lambda plan: plan.memory)


def plan_measures(
    measures: Sequence[str], points: int, width: int, largest: int, memory_limit: float = 2.0
) -> tuple[str | None, int]:
    """How the tree is found, and the memory of the measure that takes most: one is taken after the other.

    Args:
        measures: names from `MEASURES`.
        points: how many, N.
        width: coordinates of each, D.
        largest: how many points the largest class has.
        memory_limit: GB that the tree may take beyond the points themselves.

    Returns:
        prim, boruvka, or None where no tree is made; and bytes beyond the points themselves, about.

    Raises:
        InvalidInput: a memory limit that is not positive.
    """
    tree = plan_tree(points, width, memory_limit)
    blocks = _blocks(points, width)
    takes = {
        **dict.fromkeys(OF_THE_TREE, tree.memory),
        "t1": max(blocks, _blocks(largest, width) + largest**2),
        "f1": 3 * _DOUBLE * min(points * width, max(points, AT_ONCE)),
        "linear_error": 2 * _DOUBLE * points * (width + min(points, width)),
    }
    method = tree.method if any(name in OF_THE_TREE for name in measures) else None
    return method, max(takes.get(name, blocks) for name in measures)


def _blocks(points: int, width: int, *, tiles: int = 4) -> int:
    """Bytes of a block of distances, what is multiplied to make it, and what is found in it: in all so many tiles."""
    side = min(points, TILE)
    return _FLOAT * side * (2 * min(width, COORDINATES) + (side if width > COORDINATES else 0) + tiles * side)
