"""What a probe reads from a filter beside what the network itself makes of it."""

from __future__ import annotations

import numpy as np

from fm_keras.analysis import Analysis, FilterView
from fm_keras.colors import LIGHT
from fm_keras.filters import rank_correlation
from fm_keras.numbers import figures
from fm_keras.reports.plots.matrix import MOST
from fm_keras.reports.plots.measured import network_of
from fm_keras.reports.plots.names import label_texts, readable
from fm_keras.reports.plots.panels import (
    LEGEND_ROOM,
    add_legend,
    add_scale,
    draw_field,
    draw_marks,
    name_labels,
    name_room,
)
from fm_keras.reports.plots.picture import Picture, new_picture, styled


@styled
def field_pair(analysis: Analysis, layer: str, filter: int) -> Picture:
    """The probe field and the network field of one filter, labels in the same order: that of the probe field.

    Args:
        analysis: of both kinds of field.
        layer: path of the layer.
        filter: number of the filter, from 0.

    Returns:
        Figure with both fields, and below them what is above the threshold.

    Raises:
        InvalidInput: one kind of field alone, a layer that was not measured, or a filter that it does not have.
    """
    views = analysis.filter(layer, filter), network_of(analysis).filter(layer, filter)
    shown = views[0].order[:MOST]
    names = label_texts(views[0].label_names)
    side = max(3.4, 0.084 * len(shown))
    room = name_room(names, len(shown), side)
    alike = rank_correlation(views[0].field.ravel(), views[1].field.ravel())
    picture = new_picture(
        2 * (side + room) + 2.7,
        2 * side + room + 1.4,
        readable(f"{layer}, filter {filter} of {views[0].units:,}: what a probe reads, what the network makes", 200),
        f"Rank correlation of the elements of the two fields: {figures(alike)}",
        f"{views[0].caption}. {views[1].caption}. {views[0].left_out(shown)}",
        beside=LEGEND_ROOM,
    )
    for column, view, kind in zip(picture.subplots(2, 2).T, views, ("Probe field", "Network field")):
        _draw_column(column, view, shown, side, names)
        column[0].set_title(f"{kind}\n{_short(view)}")
    add_legend(picture)
    return picture


def _draw_column(column: np.ndarray, view: FilterView, shown: np.ndarray, side: float, names: list[str]) -> None:
    """The field above, what is above the threshold below it."""
    add_scale(draw_field(column[0], view, shown, side), view, *column)
    draw_marks(column[1], view, shown, side)
    for axes in column:
        name_labels(axes, names, shown, side, columns=axes is column[1])
        axes.set_ylabel("label of the input", color=LIGHT.soft)
    column[1].set_title(f"Above {view.threshold:g} of the largest element", size=9)
    column[1].set_xlabel("output", color=LIGHT.soft)


def _short(view: FilterView) -> str:
    clusters = "dead" if view.row.dead else view.clusters(6) or "no cluster"
    return f"{readable(clusters, 32)}, SNR {figures(view.row.snr)}"
