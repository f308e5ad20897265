"""How far apart the means of the classes are in a coordinate, against the spread within them."""

from __future__ import annotations

import numpy as np


def fisher_ratio(points: np.ndarray, labels: np.ndarray) -> float:
    """Largest Fisher ratio of a coordinate: spread between class means over spread within classes.

    Args:
        points: (N, D) numbers.
        labels: (N,) whole numbers 0..K-1.

    Returns:
        From 0, which is that of a constant coordinate; infinite where one is constant in every class alone.
    """
    counts = np.bincount(labels)
    within, means = np.zeros(points.shape[1]), np.empty((len(counts), points.shape[1]))
    for label in range(len(counts)):
        members = points[labels == label].astype(np.float64)
        first = members[0].copy()
        members -= first  # exactly zero in a constant coordinate
        offset = members.mean(axis=0)
        within += np.square(members - offset).sum(axis=0)
        means[label] = first + offset
    means -= means[0].copy()
    between = counts @ np.square(means - counts @ means / counts.sum())
    with np.errstate(divide="ignore"):
        ratios = np.divide(between, within, out=np.zeros_like(within), where=between > 0)
    return float(ratios.max())
