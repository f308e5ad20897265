"""Filters of a layer beside each other, each as its thresholded matrix."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from fm_keras.analysis import Analysis, FilterView
from fm_keras.numbers import count as counted
from fm_keras.numbers import figures
from fm_keras.reports.plots.choice import By, choose_filters
from fm_keras.reports.plots.names import readable
from fm_keras.reports.plots.panels import LEGEND_ROOM, add_legend, draw_marks
from fm_keras.reports.plots.picture import Picture, new_picture, sentence, styled

_SIDE = 1.75
_MOST_LABELS = 100
_LETTERS = 24
_NAMES = {"quality": "quality", "snr": "SNR"}


@styled
def layer_filters(
    analysis: Analysis, layer: str, by: By = "snr", *, label: str | None = None, count: int = 16, seed: int = 0
) -> Picture:
    """Thresholded matrices of some filters of a layer, each permuted so that its clusters are blocks.

    Args:
        analysis: what was measured.
        layer: path of the layer.
        by: quality or snr: the best first; label: those with a cluster that holds it, by SNR; random: in no order.
        label: its name, for by="label".
        count: at most so many filters.
        seed: of the random choice.

    Returns:
        Figure with a matrix for each filter, its number and clusters above it.

    Raises:
        InvalidInput: a layer that was not measured, an unknown `by` or label, or no quality to go by.
    """
    chosen = choose_filters(analysis, layer, by, label=label, count=count, seed=seed)
    views = [analysis.filter(layer, number) for number in chosen]
    columns = _columns(len(views))
    rows = max(1, math.ceil(len(views) / columns))
    picture = new_picture(
        columns * (_SIDE + 0.25),
        rows * (_SIDE + 0.5),
        readable(f"{layer}: {_which(by, label, seed, len(views), len(analysis[layer]))}", 200),
        "Rows: label of the input; columns: output; labels of the clusters first, in each matrix on its own",
        _caption(analysis, layer),
        beside=LEGEND_ROOM,
    )
    places = picture.subplots(rows, columns, squeeze=False).flat
    for axes, view in zip(places, views):
        _draw_tile(axes, view)
    for axes in list(picture.axes)[len(views) :]:
        axes.set_axis_off()
    add_legend(picture)
    return picture


def _draw_tile(axes: Axes, view: FilterView) -> None:
    draw_marks(axes, view, view.order[:_MOST_LABELS], _SIDE, frames=True)
    axes.set(xticks=[], yticks=[])
    clusters = "dead" if view.row.dead else view.clusters(6) or "no cluster"
    worth = f", {figures(view.row.quality)} nats" if "quality" in view.row else ""
    title = f"{view.number}  {readable(clusters, _LETTERS - len(str(view.number)))}"
    axes.set_title(f"{title}\nSNR {figures(view.row.snr)}{worth}", size=8)


def _columns(tiles: int) -> int:
    """Matrices in a row: few places stay empty, and the figure is wider than high."""
    return min(range(4, 9), key=lambda columns: (-tiles % columns, abs(columns - math.sqrt(1.6 * tiles))))


def _which(by: By, label: str | None, seed: int, shown: int, units: int) -> str:
    """The 16 of 128 filters with the largest SNR."""
    if by == "label":
        return f"{'filters' if shown else 'no filter'} with a cluster that holds {label}, largest SNR first"
    some = f"{shown} of {counted(units, 'filter')}"
    return f"{some} at random (seed {seed})" if by == "random" else f"the {some} with the largest {_NAMES[by]}"


def _caption(analysis: Analysis, layer: str) -> str:
    labels = len(analysis.label_names)
    cut = f"; of {labels:,} labels the first {_MOST_LABELS} of each order" if labels > _MOST_LABELS else ""
    threshold = f"threshold {analysis[layer].threshold:g} of each filter's largest element"
    return f"{sentence(analysis.source)}; {threshold}{cut}."
