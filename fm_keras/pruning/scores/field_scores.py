"""Scores from the fields of an analysis: what the labels that a unit picks say of its worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from fm_keras.analysis import Analysis


def snr(analysis: Analysis) -> pd.Series:
    """Signal-to-noise ratio of each unit's field.

    Args:
        analysis: of probe or of network fields.

    Returns:
        Series over (layer, filter): 0 without signal, infinite with signal and no noise.

    Source: the clusters of arXiv:2305.18078; the ratio is ours, see `fm_keras.filters.signal_to_noise`.
    """
    return score_series("snr", {filters.layer: filters.table["snr"].to_numpy(float) for filters in analysis})


def few_noise(analysis: Analysis) -> pd.Series:
    """Minus the external noise of each unit: the ones of its field outside all clusters.

    Args:
        analysis: of probe or of network fields, K labels.

    Returns:
        Series over (layer, filter), from -K (K - 1) to 0.  A dead unit has no noise and is worth nothing: it gets
        -K^2, less than any live one.

    Source: the noise n of arXiv:2305.18078; as a score ours.
    """
    worst = -(len(analysis.label_names) ** 2)
    return score_series(
        "few_noise",
        {
            filters.layer: np.where(filters.table["dead"], worst, -filters.table["external_noise"]).astype(float)
            for filters in analysis
        },
    )


def field_norm(analysis: Analysis) -> pd.Series:
    """Frobenius norm of each unit's field with the means of its rows and columns taken out.

    F[i, j] - mean over j - mean over i + mean over both: what a unit adds to all outputs alike moves no decision, and
    what it adds to one output for every label a bias would add as well.

    Args:
        analysis: of probe or of network fields.

    Returns:
        Series over (layer, filter), in logits, 0 or more.

    Source: ours.
    """
    return score_series(
        "field_norm",
        {
            filters.layer: np.concatenate([_centered_norm(fields) for _, fields in filters.field_blocks()])
            for filters in analysis
        },
    )


def _centered_norm(fields: np.ndarray) -> np.ndarray:
    """(U,) norms of fields (U, K, K)."""
    centered = fields - fields.mean(axis=2, keepdims=True, dtype=float)
    centered -= centered.mean(axis=1, keepdims=True)
    return np.linalg.norm(centered, axis=(1, 2))


def score_series(name: str, values: Mapping[str, np.ndarray]) -> pd.Series:
    """One score of all units as a Series over (layer, filter).

    Args:
        name: of the score.
        values: (U,) of each layer, in depth order.
    """
    pairs = [(layer, unit) for layer, scores in values.items() for unit in range(len(scores))]
    index = pd.MultiIndex.from_tuples(pairs, names=["layer", "filter"])
    return pd.Series(np.concatenate(list(values.values())), index, name=name)
