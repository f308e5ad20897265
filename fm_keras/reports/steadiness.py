"""What holds at whatever threshold and for whatever images, in words."""

from __future__ import annotations

import math
from itertools import groupby

import pandas as pd

from fm_keras.filters import rank_correlation
from fm_keras.numbers import figures

MEASURES = {"noise": "noise", "snr": "SNR", "n_clusters": "number of clusters"}
INTERVALS = {"accuracy": "accuracy", "noise": "noise", "snr": "SNR"}
_SAME, _ALIKE = 0.05, 0.9


def say_stability(stability: pd.DataFrame, threshold: float) -> str:
    """Whether measures develop with depth alike at all thresholds, where layers keep their order, how far SNR moves.

    Args:
        stability: what `threshold_stability` returned.
        threshold: that of the analysis.
    """
    layers, thresholds = stability["layer"].unique(), sorted(stability["threshold"].unique())
    snr = stability.pivot(index="threshold", columns="layer", values="snr")
    last = snr[layers[-1]]
    moves = (
        f"In {layers[-1]} SNR is {figures(last.iloc[0])} at {thresholds[0]:g} and {figures(last.iloc[-1])} at "
        f"{thresholds[-1]:g}: compare networks at one threshold only."
    )
    if len(layers) == 1:
        return moves
    trends = [f"{name} {_trend_words(stability, measure)}" for measure, name in MEASURES.items()]
    return f"From {layers[0]} to {layers[-1]}: {'; '.join(trends)}. {_order_words(snr, threshold)}{moves}"


def say_intervals(intervals: pd.DataFrame) -> str:
    """Where the last layer would lie for other images, and in what the first differs from it by more than that.

    Args:
        intervals: what `measure_intervals` returned.
    """
    first, last = intervals.iloc[0], intervals.iloc[-1]
    ends = [
        f"{name} from {figures(last[f'{key}_low'])} to {figures(last[f'{key}_high'])}"
        for key, name in INTERVALS.items()
    ]
    said = f"For other images {last.layer} would have {_and(ends)}."
    if len(intervals) == 1:
        return said
    apart = [name for key, name in INTERVALS.items() if _apart(first, last, key)]
    differ = f"in {_and(apart)}" if apart else "in nothing"
    return f"{said} {first.layer} and {last.layer} differ {differ} by more than their intervals."


def _trend_words(stability: pd.DataFrame, measure: str) -> str:
    """What a measure does from the first layer to the last, and at which thresholds."""
    values = stability.pivot(index="threshold", columns="layer", values=measure)
    layers = stability["layer"].unique()
    trends = [(f"{at:g}", _trend(row[layers[0]], row[layers[-1]])) for at, row in values.iterrows()]
    if len({trend for _, trend in trends}) == 1:
        return f"{trends[0][1]} at every threshold"
    runs = [(trend, [at for at, _ in run]) for trend, run in groupby(trends, key=lambda pair: pair[1])]
    return ", ".join(f"{trend} {_span(at)}" for trend, at in runs)


def _trend(first: float, last: float) -> str:
    if first == last or (math.isfinite(first) and abs(last - first) <= _SAME * abs(first)):
        return "stays"
    return "rises" if last > first else "falls"


def _span(thresholds: list[str]) -> str:
    return f"at {thresholds[0]}" if len(thresholds) == 1 else f"from {thresholds[0]} to {thresholds[-1]}"


def _order_words(snr: pd.DataFrame, threshold: float) -> str:
    """Thresholds around that of the analysis at which layers are ranked as there."""
    if threshold not in snr.index:
        return ""
    alike = [rank_correlation(row, snr.loc[threshold]) >= _ALIKE for _, row in snr.iterrows()]
    place = snr.index.get_loc(threshold)
    first = last = place
    while first > 0 and alike[first - 1]:
        first -= 1
    while last + 1 < len(alike) and alike[last + 1]:
        last += 1
    if first == last:
        return f"At other thresholds than {threshold:g} SNR ranks the layers otherwise. "
    where = f"from {snr.index[first]:g} to {snr.index[last]:g}"
    return f"SNR ranks the layers {where} as at {threshold:g} (rank correlation {_ALIKE:g} or more). "


def _apart(first: pd.Series, last: pd.Series, measure: str) -> bool:
    low, high = f"{measure}_low", f"{measure}_high"
    return bool(first[high] < last[low] or last[high] < first[low])


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
