"""How much a network loses with its filters, layer by layer."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fm_keras.analysis import Analysis
from fm_keras.colors import LIGHT
from fm_keras.numbers import count, figures
from fm_keras.reports.plots.course import BAND, depth_width, draw_course, name_layers
from fm_keras.reports.plots.measured import check_quality
from fm_keras.reports.plots.picture import Picture, new_picture, styled


@styled
def quality_by_depth(analysis: Analysis) -> Picture:
    """What the filters of each layer cost to lose, and how many of them cost nothing.

    Args:
        analysis: with quality, which is measured with network fields.

    Returns:
        Figure with three panels: the sum of positive qualities; the shares of filters below and around zero; the
        median filter with the quartiles.

    Raises:
        InvalidInput: no quality.
    """
    check_quality(analysis)
    layers = analysis.layers()
    picture = new_picture(
        max(6.5, depth_width(len(layers)) + 2),
        6.8,
        f"{analysis.data}: what filters cost to lose, layer by layer",
        _said(analysis, layers),
        "Quality: expected increase of the loss without one filter. Qualities of filters do not add up to the loss "
        f"without all of them: filters stand in for each other. Last panel: the median filter. {BAND}",
    )
    total, shares, single = picture.subplots(3, 1, sharex=True)
    total.bar(np.arange(len(layers)), layers["quality"], color=LIGHT.field_high, width=0.6)
    total.set_title("sum of positive qualities of the layer in nats")
    _draw_shares(shares, layers)
    qualities = [filters.table["quality"].to_numpy() for filters in analysis]
    draw_course(single, np.array([np.median(values) for values in qualities]), qualities)
    single.set_title("quality of one filter in nats")
    for axes in (total, shares, single):
        name_layers(axes, list(layers["layer"]))
        axes.tick_params(labelbottom=axes is single)
    return picture


def _draw_shares(axes: Axes, layers: pd.DataFrame) -> None:
    """Which shares of the filters of each layer have a quality around and below zero."""
    places, below = np.arange(len(layers)), layers["quality_below_zero"]
    draw_course(axes, layers["quality_around_zero"].to_numpy(), color=LIGHT.cluster)
    axes.plot(places, below, color=LIGHT.own, marker="s", markersize=3.5, linestyle="--")
    axes.set_title("share of filters")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    names = ["around zero: the interval holds zero", "below zero: better without"]
    axes.legend(axes.lines, names, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)


def _said(analysis: Analysis, layers: pd.DataFrame) -> str:
    around_zero = round(layers["units"] @ layers["quality_around_zero"])
    said = f"{around_zero:,} of {count(int(layers['units'].sum()), 'filter')} cost nothing that can be told from zero"
    return said if math.isnan(analysis.loss) else f"{said}; loss of the whole network: {figures(analysis.loss)} nats"
