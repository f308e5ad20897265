"""One measure through the depth of a network: a line for the layers, a band for their filters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from fm_keras.colors import LIGHT
from fm_keras.reports.plots.names import layer_text

BAND = "Band: the middle half of a layer's filters, from the first to the third quartile."
_MOST_NAMES = 40


def draw_course(
    axes: Axes, line: np.ndarray, spread: Sequence[np.ndarray] = (), *, color: str = LIGHT.field_high
) -> None:
    """Draw the values of the layers over the quartiles of their filters; what is infinite lies at the upper edge.

    Args:
        axes: where to; its limits are set.
        line: (L,) a value of each layer.
        spread: values of the filters of each layer; none for a line alone.
        color: of the line.
    """
    low, high = quartiles(spread) if len(spread) else (line, line)
    ceiling = _limit(axes, np.concatenate([line, low, high]))
    _draw_band(axes, np.minimum(low, ceiling), np.minimum(high, ceiling))
    places, shown = np.arange(len(line)), np.minimum(line, ceiling)
    axes.plot(places, shown, color=color, marker="o", markersize=3.5, linewidth=1.6, clip_on=False)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    for place in np.flatnonzero(np.isinf(line)):
        axes.annotate("∞", (place, ceiling), (0, 3), textcoords="offset points", ha="center", color=color)
    if np.isinf(high).any():
        axes.set_title("at the upper edge: ∞", loc="right", size=7.5, color=LIGHT.soft)


def _limit(axes: Axes, values: np.ndarray) -> float:
    """Set the vertical limits, zero within; the upper one is returned."""
    finite = values[np.isfinite(values)]
    bottom, top = finite.min(initial=0), finite.max(initial=0) or 1.0
    margin = 0.1 * (top - bottom)
    if bottom < 0:
        axes.axhline(0, color=LIGHT.soft, linewidth=0.8)
    axes.set_ylim(bottom - margin if bottom < 0 else 0, top + margin)
    return top + margin


def _draw_band(axes: Axes, low: np.ndarray, high: np.ndarray) -> None:
    look = {"color": LIGHT.field_middle, "alpha": 0.3}
    if len(low) > 1:
        axes.fill_between(np.arange(len(low)), low, high, linewidth=0, **look)
    else:
        axes.vlines([0], low, high, linewidth=12, **look)


def quartiles(spread: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """First and third quartile of each layer's filters, themselves values of filters; NaN where there are none."""
    # Between two infinite values, or one and a finite one, nothing can be interpolated.
    ends = [
        np.quantile(values, [0.25, 0.75], method="inverted_cdf") if len(values) else [math.nan] * 2
        for values in (np.asarray(values, float)[~np.isnan(values)] for values in spread)
    ]
    low, high = np.array(ends).T
    return low, high


def name_layers(axes: Axes, layers: Sequence[str]) -> None:
    """Put the names of layers on the horizontal axis, those of every n-th where there are many."""
    step = math.ceil(len(layers) / _MOST_NAMES)
    places = range(0, len(layers), step)
    axes.set_xticks(places, [layer_text(layers[place]) for place in places], rotation=90, size=8)
    axes.set_xlim(-0.5, len(layers) - 0.5)
    axes.grid(axis="x", visible=False)


def depth_width(layers: int) -> float:
    """Inches that the layers of a network take."""
    return float(np.clip(0.27 * layers, 3.2, 9))
