"""What came out, in words."""

from __future__ import annotations

import math

import pandas as pd

from fm_keras.numbers import figures

_SAME = 0.05


def answer(layers: pd.DataFrame) -> str:
    """How noise and SNR of the filters develop from the first layer to the last, good or bad.

    Args:
        layers: what `Analysis.layers()` gives, in depth order.
    """
    first, last = layers.iloc[0], layers.iloc[-1]
    if len(layers) == 1:
        return (
            f"In {first.layer} a filter has {figures(first.n_clusters)} clusters and "
            f"{figures(first.noise)} noise elements on average; SNR is {figures(first.snr)}."
        )
    noise, snr = _change(first.noise, last.noise), _change(first.snr, last.snr)
    said = (
        f"From {first.layer} to {last.layer} the noise of a filter {_noise_words(first.noise, last.noise)} "
        f"and SNR {_snr_words(first.snr, last.snr)}"
    )
    if noise < 0 < snr:
        return f"{said}: filters become sharper with depth."
    if noise >= 0 >= snr:
        return f"{said}: filters do not become sharper with depth here."
    return f"{said}: no clear gain with depth here."


def _change(before: float, after: float) -> int:
    """1 where a value rises, -1 where it falls, 0 where it stays within 5%."""
    if before == after or abs(after - before) <= _SAME * abs(before):
        return 0
    return 1 if after > before else -1


def _verb(before: float, after: float) -> str:
    return {1: "rises", -1: "falls", 0: "stays"}[_change(before, after)]


def _noise_words(before: float, after: float) -> str:
    if _change(before, after) == 0:
        return f"stays at {figures(after)}"
    return f"{_verb(before, after)} from {figures(before)} to {figures(after)}"


def _snr_words(before: float, after: float) -> str:
    """In times where it rises clearly, else in figures."""
    if before > 0 and math.isfinite(after) and after / before >= 1.75:
        times = after / before
        fold = f"rises {round(times)}-fold" if times >= 2.5 else "doubles" if times >= 1.95 else "nearly doubles"
        return f"{fold} ({figures(before)} to {figures(after)})"
    return _noise_words(before, after)
