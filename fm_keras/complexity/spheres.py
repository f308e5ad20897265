"""Spheres that cover the classes."""

from __future__ import annotations

import numpy as np

from fm_keras.complexity.distances import Cloud, blocks, exact_distances

_ROUNDING = 1e-6


def count_spheres(points: np.ndarray, labels: np.ndarray, radii: np.ndarray, *, cloud_type: type[Cloud] = Cloud) -> int:
    """Spheres that a greedy cover of every class takes: always that which holds most points not covered yet.

    Args:
        points: (N, D) numbers.
        labels: (N,) whole numbers.
        radii: (N,) a sphere holds its center and the points of its class nearer than this.
        cloud_type: where distances are computed.
    """
    members = (np.flatnonzero(labels == label) for label in np.unique(labels))
    return sum(_cover(_inside(cloud_type.of(points, each), radii[each])) for each in members)


def _inside(cloud: Cloud, radii: np.ndarray) -> np.ndarray:
    """Which members (M, M) the sphere of each member holds: float64 decides where float32 could be wrong."""
    bound = np.square(radii * cloud.scale).astype(np.float32)[:, None]
    inside = np.zeros((len(cloud), len(cloud)), bool)
    for rows, columns, tile in cloud.tiles():
        for at, to, upper in ((rows, columns, tile), (columns, rows, tile.T)):
            held = upper < bound[at] * (1 - _ROUNDING)
            low = upper - cloud.slack[at, None] - cloud.slack[to]
            unsure = np.nonzero(~held & (low <= bound[at] * (1 + _ROUNDING)))
            first, second = unsure[0] + at.start, unsure[1] + to.start
            squared = exact_distances(cloud.points, cloud.index[first], cloud.index[second])
            held[unsure] = np.sqrt(squared) < radii[first]
            inside[at, to] = held
    np.fill_diagonal(inside, True)
    return inside


def _cover(inside: np.ndarray) -> int:
    """Spheres taken until all members are covered; the center of each is one that was not."""
    left, held, taken = np.ones(len(inside), bool), inside.sum(axis=1), 0
    while left.any():
        center = np.where(left, held, 0).argmax()
        if held[center] == 1:
            return taken + int(left.sum())  # all that are left hold but themselves
        covered = inside[center] & left
        left &= ~covered
        for part in blocks(len(inside)):  # a copy of all would be as large as they are
            held[part] -= inside[part, covered].sum(axis=1)
        taken += 1
    return taken
