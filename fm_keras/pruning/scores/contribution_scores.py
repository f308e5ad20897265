"""Scores from what units contribute to the network's logits: quality, and its cheaper relatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import pandas as pd
from scipy.special import softmax

from fm_keras.data import Split
from fm_keras.filters import image_costs
from fm_keras.progress import Progress, silent
from fm_keras.pruning.scores.field_scores import score_series
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import Contributions, GatedModel, stream_contributions


def contribution_scores(
    model: keras.Model,
    split: Split,
    *,
    layers: Iterable[str] | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Scores of every unit from its contributions c[n, u, k] to the logits z, in one pass.

    quality: mean over n of CE(z - c[n, u], y) - CE(z, y).  *Ours*.
    taylor_signed: the same with the loss linearized, too: mean of s[n, u] = sum over k of (y_k - p_k) c[n, u, k], p the
    softmax of z and y one-hot.  arXiv:1611.06440.
    taylor_squared: mean of s[n, u] squared.  arXiv:1906.10771.
    contribution_norm: root of the mean over n of the variance of c[n, u, k] over k, times K.  *Ours*.

    Args:
        model: classifier with logits, or a softmax of them; left as it was.
        split: labeled images, all of which are taken.
        layers: paths of cuts; all if None.
        settings: batch size, memory limit, outputs of each image beyond 16 labels.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        One row per (layer, filter); larger is more worth keeping.

    Raises:
        InvalidInput: no logits to be found, labels that do not fit.
        CannotCut: no gradient reaches a layer.
        BadActivations: contributions that are NaN or infinite.
    """
    settings = settings or AnalysisSettings()
    gated = GatedModel(model, layers=layers, outputs=settings.outputs)
    sums = {cut.layer: np.zeros((4, cut.units)) for cut in gated.cuts}
    stream = stream_contributions(gated, split, settings=settings, preprocess=preprocess, progress=progress)
    for labels, found in stream:
        slopes = np.eye(gated.labels)[labels] - softmax(found.logits, axis=1)
        slopes = np.take_along_axis(slopes, found.outputs, axis=1).astype(np.float32)
        for layer, values in found.units.items():
            sums[layer] += _batch_sums(found, values, labels, slopes)
    mean = {layer: total / len(split) for layer, total in sums.items()}
    columns = {
        "quality": {layer: each[0] for layer, each in mean.items()},
        "taylor_signed": {layer: each[1] for layer, each in mean.items()},
        "taylor_squared": {layer: each[2] for layer, each in mean.items()},
        "contribution_norm": {layer: np.sqrt(each[3]) for layer, each in mean.items()},
    }
    return pd.DataFrame({name: score_series(name, values) for name, values in columns.items()})


def _batch_sums(found: Contributions, values: np.ndarray, labels: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """(4, U) sums over the images of a batch, from contributions (n, U, M) and slopes (n, M) of the loss."""
    costs = image_costs(found.logits, values, labels, outputs=found.chosen)
    linear = np.einsum("num,nm->nu", values, slopes)
    spread = np.square(values).sum(axis=2) - np.square(values.sum(axis=2)) / found.logits.shape[1]
    return np.stack([part.sum(axis=0, dtype=np.float64) for part in (costs, linear, np.square(linear), spread)])
