"""Which filters of a layer to show: the best, those of a label, or some at random."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from fm_keras.analysis import Analysis
from fm_keras.errors import InvalidInput
from fm_keras.filters import best_first
from fm_keras.numbers import listed
from fm_keras.reports.plots.measured import check_quality

By = Literal["quality", "snr", "label", "random"]


def choose_filters(
    analysis: Analysis, layer: str, by: By, *, label: str | None = None, count: int = 16, seed: int = 0
) -> list[int]:
    """Numbers of some filters of a layer.

    Args:
        analysis: what was measured.
        layer: path of the layer.
        by: quality or snr: the best first; label: those with a cluster that holds it, by SNR; random: in no order.
        label: its name, for by="label".
        count: at most so many.
        seed: of the random choice.

    Returns:
        Numbers of the filters; none where no filter holds the label.

    Raises:
        InvalidInput: a layer that was not measured, an unknown `by` or label, or no quality to go by.
    """
    table = analysis[layer].table
    if by not in get_args(By):
        raise InvalidInput(f"Filters are chosen by {', '.join(get_args(By))}; received {by!r}.")
    if (by == "label") != (label is not None):
        raise InvalidInput(f"A label is given with by='label' and not else; received by={by!r}, label={label!r}.")
    if count < 1:
        raise InvalidInput(f"count is {count}; it must be at least 1.")
    if by == "quality":
        check_quality(analysis)
        chosen = table.sort_values("quality", ascending=False, kind="stable")
    elif by == "random":
        picked = np.random.default_rng(seed).permutation(len(table))
        chosen = table.iloc[picked]
    else:
        chosen = best_first(table if label is None else table[_holds(analysis, layer, label)])
    return chosen["filter"].head(count).tolist()


def _holds(analysis: Analysis, layer: str, label: str) -> np.ndarray:
    """(U,) bool: whether a cluster of the filter holds the label."""
    if label not in analysis.label_names:
        raise InvalidInput(f"There is no label {label!r}. There are: {listed(analysis.label_names, 20)}.")
    return analysis[layer].cluster_of[:, analysis.label_names.index(label)] >= 0
