"""How well a linear classifier tells the classes apart."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

_RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
_ZERO = 1e-10


def leave_one_out_error(points: np.ndarray, labels: np.ndarray) -> float:
    """Error of ridge regression on the classes, every point being classified by a fit to all others.

    What a fit to all others says about a point follows from the fit to all (PRESS): residuals are divided by one minus
    the leverage.  So one decomposition of a matrix as large as the points or the coordinates are many, whichever is
    less, gives every ridge; that with the least squared error on the points left out is taken.  A coordinate of the
    points' root mean square norm takes the place of a bias.

    Args:
        points: (N, D) numbers.
        labels: (N,) whole numbers 0..K-1.
    """
    apart = points - points.mean(axis=0, dtype=np.float64)
    size = np.sqrt(np.square(apart).sum() / len(points)) or 1.0
    directions, squared = _directions(np.hstack([apart, np.full((len(points), 1), size)]))
    targets = np.eye(labels.max() + 1)[labels]
    seen, reach = directions.T @ targets, np.square(directions)
    best, error = np.inf, 1.0
    for ridge in _RIDGES:
        kept = squared / (squared + ridge * squared.sum() / len(points))
        left = (targets - directions @ (kept[:, None] * seen)) / (1 - reach @ kept)[:, None]
        if np.square(left).sum() < best:
            best, error = np.square(left).sum(), np.mean((targets - left).argmax(axis=1) != labels)
    return float(error)


def _directions(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors (N, R) of a matrix, in columns, and the squares of its R singular values above zero."""
    wide = len(rows) <= rows.shape[1]
    squared, vectors = eigh(rows @ rows.T if wide else rows.T @ rows)
    above = squared > _ZERO * squared[-1]
    squared, vectors = squared[above], vectors[:, above]
    return vectors if wide else rows @ vectors / np.sqrt(squared), squared
