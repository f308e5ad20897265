"""Points and labels as every measure takes them, and what is refused."""

from __future__ import annotations

import numpy as np

from fm_keras.errors import InvalidInput


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
        broken = np.flatnonzero(~np.isfinite(points).all(axis=1))
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
