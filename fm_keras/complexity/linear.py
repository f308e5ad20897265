"""How well a linear classifier tells the classes apart."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

_RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
_ZERO = 1e-10
_TIE = 1e-9


def leave_one_out_error(points: np.ndarray, labels: np.ndarray) -> float:
    """Error of ridge regression on the classes, every point being classified by a fit to all others.

    What a fit to all others says about a point follows from the fit to all (PRESS): residuals are divided by one minus
    the leverage, to which a bias without a ridge adds 1 / N.  So one decomposition of a matrix as large as the points
    or the coordinates are many, whichever is less, gives every ridge; that with the least squared error on the points
    left out is taken, of equally good ones the smallest.  A tie between the point's class and another is an error.

    Args:
        points: (N, D) numbers, N at least 2.
        labels: (N,) whole numbers 0..K-1.
    """
    count, everyone = len(points), np.arange(len(points))
    directions, squared = _directions(points - points.mean(axis=0, dtype=np.float64))
    targets = np.eye(labels.max() + 1)[labels]
    mean = targets.mean(axis=0)
    seen, reach = directions.T @ (targets - mean), np.square(directions)
    best, error = np.inf, 1.0
    for ridge in _RIDGES:
        kept = squared / (squared + ridge * squared.sum() / count)
        left = (targets - mean - directions @ (kept[:, None] * seen)) / (1 - 1 / count - reach @ kept)[:, None]
        total = np.square(left).sum()
        if total < best * (1 - _TIE):
            said = targets - left
            own = said[everyone, labels]
            said[everyone, labels] = -np.inf
            best, error = total, np.mean(said.max(axis=1) > own - _TIE)
    return float(error)


def _directions(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors (N, R) of a matrix, in columns, and the squares of its R singular values above zero."""
    wide = len(rows) <= rows.shape[1]
    squared, vectors = eigh(rows @ rows.T if wide else rows.T @ rows, overwrite_a=True)
    above = squared > _ZERO * squared[-1]
    squared, vectors = squared[above], vectors[:, above]
    return vectors if wide else rows @ vectors / np.sqrt(squared), squared
