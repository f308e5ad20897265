"""Scores that know nothing."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import pandas as pd

from fm_keras.pruning.scores.field_scores import score_series
from fm_keras.slicing import cut_points


def random_scores(model: keras.Model, *, layers: Iterable[str] | None = None, seed: int = 0) -> pd.Series:
    """Scores drawn evenly from 0 to 1: what any other rule has to beat.

    Args:
        model: functional or built Sequential.
        layers: paths of cuts; all if None.
        seed: the same seed and layers give the same scores.

    Returns:
        Series over (layer, filter).
    """
    rng = np.random.default_rng(seed)
    return score_series("random", {cut.layer: rng.random(cut.units) for cut in cut_points(model, layers=layers)})
