"""How hard the classes are to tell apart after each layer, against what networks differ in: epoch, width, images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from fm_keras.colors import LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.numbers import count, listed
from fm_keras.reports.plots.complexity import band_words, measure_panels, measures_of, spread_of
from fm_keras.reports.plots.looks import look_of
from fm_keras.reports.plots.picture import Picture, styled

_MOST_LAYERS = 6
_LOGARITHMIC = 8  # largest over smallest value from which the scale is
_AXES = {"samples": "training images", "width": "width of the network"}


@styled
def complexity_course(
    table: pd.DataFrame, data: str, *, over: str = "epoch", layers: Sequence[str] | None = None
) -> Picture:
    """One panel for each measure of complexity, a line for each of some layers.

    Args:
        table: what `fm_keras.complexity.measure_course` returned, or `join_trials` for the networks of a sweep.
        data: name of the data set, for the title.
        over: column of numbers along the horizontal axis: epoch, width, samples, …
        layers: which ones; if None up to six, evenly through the depth.

    Returns:
        Figure.  Networks with the same number, such as seeds, are drawn as their mean, with their range as a band;
        where each number has one network, the band is its interval.

    Raises:
        InvalidInput: no such column, no numbers in it, or an unknown layer.

    Source: arXiv:2209.00525.
    """
    if over not in table or table[over].isna().all():
        raise InvalidInput(f"The table has no numbers in {over!r} to draw complexity against.")
    there = list(table["layer"].unique())
    table = table[table[over].notna()].sort_values(over, kind="stable")
    chosen = _choose(there, layers)
    looks = {layer: look_of(number) for number, layer in enumerate(chosen)}
    what = _AXES.get(over, over.replace("_", " "))
    words = (
        f"{data}: how hard the classes are to tell apart, by {what}",
        f"{count(table[over].nunique(), 'value')}, {count(int(table['points'].iloc[0]), 'image')} looked at",
        f"Lower is easier. Band: {band_words(table, 'layer', over)}.",
    )
    picture, panels = measure_panels(measures_of(table), 3.6, words, looks)
    for axes, name in panels:
        for layer, look in looks.items():
            found = spread_of(table[table["layer"] == layer], name, over)
            axes.fill_between(found.index, found["low"], found["high"], color=look["color"], alpha=0.15, linewidth=0)
            axes.plot(found.index, found["value"], **look)
        axes.set_ylim(bottom=0)
        _scale(axes, np.sort(table[over].unique()))
        axes.set_xlabel(what if axes.xaxis.get_tick_params()["labelbottom"] else "", color=LIGHT.soft)
    return picture


def _choose(there: list[str], wanted: Sequence[str] | None) -> list[str]:
    """The layers that are drawn, in depth order."""
    if wanted is None:
        places = np.linspace(0, len(there) - 1, min(len(there), _MOST_LAYERS)).round().astype(int)
        return [there[place] for place in places]
    unknown = [layer for layer in wanted if layer not in there]
    if unknown:
        raise InvalidInput(f"The table has no layer {unknown[0]!r}. It has: {listed(there)}.")
    return [layer for layer in there if layer in wanted]


def _scale(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic scale where values differ by factors."""
    if values[0] > 0 and values[-1] >= _LOGARITHMIC * values[0] and len(values) < _LOGARITHMIC:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(list(values)))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
