"""Points and labels as every measure takes them, and what is refused."""

from __future__ import annotations

import math

import numpy as np

from fm_keras.errors import InvalidInput

_BYTES = 2**24
_LARGE = 480  # float64 holds sums of squares of numbers up to 2^480, and squares of differences of those beyond 2^-450
_SMALL = 450


def check_points(points: np.ndarray) -> np.ndarray:
    """Points as (N, D) numbers.

    Args:
        points: (N, ...) numbers; further axes are flattened.

    Raises:
        InvalidInput: no points or coordinates, NaN or infinite numbers, or no numbers at all.
    """
    points = np.asarray(points)
    if points.ndim < 2 or points.size == 0 or points.dtype.kind not in "biuf":
        received = f"{points.dtype} of shape {points.shape}"
        raise InvalidInput(f"Points must be an array (N, D) of numbers, N and D at least 1; received {received}.")
    points = points.reshape(len(points), -1)
    if points.dtype.kind == "f":
        broken = np.flatnonzero(~np.concatenate([np.isfinite(part).all(axis=1) for part in _some_at_a_time(points)]))
        if len(broken):
            raise InvalidInput(
                f"{len(broken):,} of {len(points):,} points hold NaN or infinite numbers, point {broken[0]} first. "
                "Leave them out, or look for diverged weights."
            )
        return points if points.dtype in (np.float32, np.float64) else points.astype(np.float32)
    return points.astype(np.uint8) if points.dtype == bool else points


def check_labels(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels as whole numbers 0..K-1 in the order of those given; which label is which does not matter here.

    Args:
        labels: (N,) whole numbers.
        count: number of points, N.

    Raises:
        InvalidInput: another number of labels, or no whole numbers.
    """
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "biu":
        received = f"{labels.dtype} of shape {labels.shape}"
        raise InvalidInput(f"Labels must be {count:,} whole numbers, one a point; received {received}.")
    return np.unique(labels, return_inverse=True)[1]


def scaled(points: np.ndarray) -> tuple[np.ndarray, int]:
    """Points whose squared distances float64 holds, and the exponent of two whose power they were multiplied with.

    Only numbers beyond 1e144 or, but for zero, below 1e-135 take it: the largest becomes about 1e144.  No order of
    distances changes, and only differences 1e-298 times as large as that are lost.

    Args:
        points: (N, D) finite numbers.
    """
    if points.dtype != np.float64:
        return points, 0
    largest, least = 0.0, np.inf
    for part in _some_at_a_time(points):
        size = np.abs(part)
        largest, least = max(largest, size.max()), min(least, size.min(initial=np.inf, where=size > 0))
    power = _LARGE - math.frexp(largest)[1]
    if power == 0 or largest == 0 or (power > 0 and least >= 2.0**-_SMALL):
        return points, 0
    return np.ldexp(points, power), power


def _some_at_a_time(points: np.ndarray) -> list[np.ndarray]:
    """Points in parts: an answer for each number of all would take as much memory as they do, or a quarter of it."""
    return np.array_split(points, min(len(points), math.ceil(points.nbytes / _BYTES)))
