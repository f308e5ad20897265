"""How sure a measured mean or rank correlation is: bootstrap intervals over images or units."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fm_keras.errors import InvalidInput


class BootstrapMeans:
    """Means of many columns over images that come in batches, with bootstrap intervals over the images.

    Every round draws the images again with replacement; one draw serves all columns.  It is made before the images
    come, so that nothing is kept of them: memory is rounds x (8 columns + images) bytes.

    Args:
        images: how many images will be added in all.
        rounds: how many draws.
        seed: of the draws.

    Raises:
        InvalidInput: no images or no rounds.

    Source: the bootstrap of doi:10.1214/aos/1176344552, with percentile intervals.
    """

    def __init__(self, images: int, *, rounds: int = 1000, seed: int = 0) -> None:
        if images < 1 or rounds < 1:
            raise InvalidInput(f"images is {images} and rounds {rounds}; both must be at least 1.")
        rng = np.random.default_rng(seed)
        # How often a round draws an image: more than 255 times does not happen.
        self._draws = np.empty((rounds, images), np.uint8)
        for draw in self._draws:
            draw[:] = np.bincount(rng.integers(images, size=images), minlength=images)
        self._seen = 0
        self._sum: np.ndarray | None = None
        self._round_sums: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        """Add the next images.

        Args:
            values: (n, U) of the next n images.

        Raises:
            InvalidInput: another number of columns than before, or more images than announced.
        """
        values = np.asarray(values)
        rounds, images = self._draws.shape
        if values.ndim != 2 or (self._sum is not None and values.shape[1:] != self._sum.shape):
            raise InvalidInput(f"values have shape {values.shape}; they must be (n, U), U the same in every batch.")
        if self._sum is None:
            self._sum, self._round_sums = np.zeros(values.shape[1]), np.zeros((rounds, values.shape[1]))
        seen = self._seen + len(values)
        if seen > images:
            raise InvalidInput(f"{seen} images were added where {images} were announced; announce them all at first.")
        draws = self._draws[:, self._seen : seen].astype(np.float32)
        self._sum += values.sum(axis=0, dtype=np.float64)
        self._round_sums += draws @ values.astype(np.float32, copy=False)
        self._seen = seen

    def mean(self) -> np.ndarray:
        """(U,) mean over all images.

        Raises:
            InvalidInput: fewer images were added than announced.
        """
        self._check_complete()
        return self._sum / self._seen

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Where the mean over all images there could be lies, for each column.

        Args:
            level: share of the rounds within the interval, between 0 and 1.

        Returns:
            Lower and upper ends, (U,) each.

        Raises:
            InvalidInput: a level out of range, or fewer images were added than announced.
        """
        self._check_complete()
        low, high = np.quantile(self._round_sums / self._seen, _tails(level), axis=0)
        return low, high

    def _check_complete(self) -> None:
        images = self._draws.shape[1]
        if self._seen < images:
            raise InvalidInput(
                f"{self._seen} of {images} announced images were added; add the rest, or announce fewer."
            )


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation, ties by average ranks.

    Args:
        a: (U,) one score of every unit.
        b: (U,) another; units where either is NaN are left out.

    Returns:
        -1 to 1; NaN where a score is the same for all units.

    Raises:
        InvalidInput: shapes that do not fit.
    """
    a, b = _pairs(a, b)
    return float(_rank_correlations(a[:, None], b[:, None])[0])


def bootstrap_rank_correlation(
    a: np.ndarray, b: np.ndarray, *, rounds: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float, float]:
    """Spearman's rank correlation with its bootstrap interval over units.

    Args:
        a: (U,) one score of every unit.
        b: (U,) another; units where either is NaN are left out.
        rounds: how many times the units are drawn again with replacement.
        seed: of the draws.
        level: share of the rounds within the interval, between 0 and 1.

    Returns:
        Correlation, lower and upper end; all NaN where a score is the same for all units.

    Raises:
        InvalidInput: shapes that do not fit, rounds or a level out of range.
    """
    a, b = _pairs(a, b)
    if rounds < 1:
        raise InvalidInput(f"rounds is {rounds}; it must be at least 1.")
    drawn = np.random.default_rng(seed).integers(max(1, len(a)), size=(len(a), rounds))
    # Draws that hold one unit alone have no correlation: pandas leaves them out.
    low, high = pd.Series(_rank_correlations(a[drawn], b[drawn])).quantile(_tails(level))
    return rank_correlation(a, b), float(low), float(high)


def _pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise InvalidInput(f"Scores of shape {a.shape} and {b.shape} do not fit: both must be (U,).")
    known = ~(np.isnan(a) | np.isnan(b))
    return a[known], b[known]


def _rank_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One for each column of (U, rounds)."""
    ranks_a, ranks_b = (pd.DataFrame(scores).rank().to_numpy() - (len(scores) + 1) / 2 for scores in (a, b))
    spread = np.sqrt(np.square(ranks_a).sum(axis=0) * np.square(ranks_b).sum(axis=0))
    products = (ranks_a * ranks_b).sum(axis=0)
    return np.divide(products, spread, out=np.full(len(spread), np.nan), where=spread > 0)


def _tails(level: float) -> list[float]:
    if not 0 < level < 1:
        raise InvalidInput(f"level is {level}; it is a share of the rounds, between 0 and 1, e.g. 0.95.")
    return [(1 - level) / 2, (1 + level) / 2]
