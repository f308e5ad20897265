"""One filter's matrix as in the article: its field, what is above the threshold, and that with clusters as blocks."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from fm_keras.analysis import Analysis, FilterView
from fm_keras.colors import LIGHT
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

MOST = 100
"""labels in one matrix"""
_IN_A_ROW = 32


@styled
def filter_matrix(analysis: Analysis, layer: str, filter: int) -> Picture:
    """The matrix of one filter three times: the field, above the threshold, and permuted so that clusters are blocks.

    Beyond 100 labels it shows those of the clusters and the noisiest, and says what it leaves out.

    Args:
        analysis: what was measured.
        layer: path of the layer.
        filter: number of the filter, from 0.

    Returns:
        Figure with the three matrices; rows are labels of the input, columns are outputs.

    Raises:
        InvalidInput: a layer that was not measured, or a filter that it does not have.

    Source: arXiv:2305.18078, Sci Rep 14, 5881 (2024).
    """
    view = analysis.filter(layer, filter)
    names = label_texts(view.label_names)
    shown = view.order[:MOST]
    ascending = np.sort(shown)
    picture, (field, above, permuted), sides = _three_panels(view, shown, names)
    stacked = len(shown) > _IN_A_ROW
    image = draw_field(field, view, ascending, sides[0])
    add_scale(image, view, *((field, above) if stacked else (field,)))
    draw_marks(above, view, ascending, sides[1])
    draw_marks(permuted, view, shown, sides[2], frames=True)
    name_labels(field, names, ascending, sides[0], columns=not stacked)
    name_labels(above, names, ascending, sides[1])
    name_labels(permuted, names, shown, sides[2])
    field.set_title("Field")
    above.set_title(f"Above {view.threshold:g} of the largest element")
    permuted.set_title("Permuted: clusters as blocks")
    for axes in (field, above, permuted):
        axes.set_ylabel("label of the input", color=LIGHT.soft)
        axes.set_xlabel("" if stacked and axes is field else "output", color=LIGHT.soft)
    add_legend(picture)
    return picture


def _three_panels(
    view: FilterView, shown: np.ndarray, names: list[str]
) -> tuple[Picture, tuple[Axes, ...], tuple[float, ...]]:
    """Figure, axes and their sides in inches: side by side, or the permuted one large where there are many labels."""
    words = (readable(view.title, 300), view.said, f"{view.caption}. {view.left_out(shown)}")
    labels = len(shown)
    if labels <= _IN_A_ROW:
        side = max(3.4, 0.19 * labels)
        room = name_room(names, labels, side)
        picture = new_picture(3 * (side + room) + 2.4, side + room + 0.8, *words, beside=LEGEND_ROOM)
        return picture, tuple(picture.subplots(1, 3)), (side,) * 3
    side = max(6.5, 0.084 * labels)
    room = name_room(names, labels, side)
    small = (side - 0.5) / 2
    picture = new_picture(side + small + 2 * room + 1.9, side + room + 0.8, *words, beside=LEGEND_ROOM)
    axes = picture.subplot_mosaic([["field", "permuted"], ["above", "permuted"]], width_ratios=[small + room, side])
    return picture, (axes["field"], axes["above"], axes["permuted"]), (small, small, side)
