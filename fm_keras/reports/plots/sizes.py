"""How many labels the clusters of each layer have."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.colors import LIGHT
from fm_keras.numbers import count, figures
from fm_keras.reports.plots.names import layer_text
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_MOST_LAYERS = 24
_LARGEST = 8
"""clusters of so many labels and more share a bar"""


@styled
def cluster_sizes(analysis: Analysis) -> Picture:
    """How large the clusters of each layer are: a histogram a layer.

    Beyond 24 layers it shows 24 of them, evenly through the depth.

    Args:
        analysis: what was measured.

    Returns:
        Figure with one histogram a layer: share of its clusters with one label, two labels, and so on.
    """
    measured = list(analysis)
    shown = np.unique(np.linspace(0, len(measured) - 1, min(_MOST_LAYERS, len(measured))).round().astype(int))
    layers = [measured[place] for place in shown]
    sizes = [_sizes(filters) for filters in layers]
    last = min(_LARGEST, max((int(each.max(initial=1)) for each in sizes), default=1))
    columns = min(6, max(3, math.ceil(math.sqrt(1.6 * len(layers)))))
    rows = math.ceil(len(layers) / columns)
    some = "" if len(layers) == len(measured) else f" Shown are {len(layers)} of {len(measured)} layers."
    everywhere = np.concatenate(sizes)
    mean = f", {figures(everywhere.mean())} labels on average" if len(everywhere) else ""
    picture = new_picture(
        columns * 1.9 + 0.5,
        rows * 1.45 + 0.5,
        f"{analysis.data}: how many labels the clusters of a filter have",
        f"{count(len(everywhere), 'cluster')} in {count(len(layers), 'layer')}{mean}",
        f"Bars: share of the layer's clusters with so many labels. "
        f"Clusters of {analysis.source}, threshold {analysis.settings.threshold:g}.{some}",
    )
    grid = picture.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, filters, each in zip(grid.flat, layers, sizes):
        _draw_histogram(axes, each, last)
        average = f", mean {figures(each.mean())}" if len(each) else ""
        axes.set_title(f"{layer_text(filters.layer)}\n{count(len(each), 'cluster')}{average}", size=8)
    _name_lowest(list(grid.flat), len(layers), columns)
    return picture


def _name_lowest(places: list[Axes], used: int, columns: int) -> None:
    """Name the horizontal axis below the lowest histogram of each column; what is not used stays empty."""
    for number, axes in enumerate(places):
        lowest = number + columns >= used
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel("labels" if lowest else "", color=LIGHT.soft)
        if number >= used:
            axes.set_axis_off()


def _draw_histogram(axes: Axes, sizes: np.ndarray, last: int) -> None:
    shares = np.bincount(np.minimum(sizes, last), minlength=last + 1)[1:] / max(1, len(sizes))
    places = np.arange(1, last + 1)
    axes.bar(places, shares, color=LIGHT.cluster, width=0.75)
    axes.set_xticks(places, [*map(str, places[:-1]), f"{last}+" if last == _LARGEST else str(last)])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="x", visible=False)


def _sizes(filters: LayerFilters) -> np.ndarray:
    """Labels of every cluster of a layer."""
    return np.array([size for sizes in filters.table["cluster_sizes"] for size in sizes], int)
