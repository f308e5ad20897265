"""The two ways to draw a filter's matrix: its field in logits, and what of it is above the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from fm_keras.analysis import FilterView
from fm_keras.colors import LIGHT
from fm_keras.reports.plots.picture import FIELD

MARKS = ListedColormap([LIGHT.below, LIGHT.cluster, LIGHT.noise])
_GRID_UP_TO = 40
LEGEND_ROOM = 3.6
"""inches to the right of the caption that the legend takes"""


def draw_field(axes: Axes, view: FilterView, order: np.ndarray, side: float) -> AxesImage:
    """The field in logits, labels in some order: blue above zero, grey below."""
    largest = float(view.field.max())
    image = axes.imshow(view.field[np.ix_(order, order)], FIELD, vmin=0, vmax=largest if largest > 0 else 1)
    _separate(axes, len(order), side)
    return image


def add_scale(image: AxesImage, view: FilterView, *beside: Axes) -> None:
    """What the colors of a field mean, with the threshold as a line."""
    scale = image.figure.colorbar(
        image, ax=beside, extend="min", shrink=0.75 / len(beside), pad=0.02, aspect=25, panchor=False
    )
    scale.outline.set_visible(False)
    scale.ax.grid(False)
    scale.ax.tick_params(length=2)
    scale.set_label("logits; grey: negative; line: threshold", size=8)
    if view.field.max() > 0:
        scale.ax.axhline(view.threshold * float(view.field.max()), color=LIGHT.own, linewidth=1.5)


def draw_marks(axes: Axes, view: FilterView, order: np.ndarray, side: float, *, frames: bool = False) -> AxesImage:
    """What is above the threshold: clusters teal, noise yellow with a dot.

    Args:
        axes: where to.
        view: the filter.
        order: labels to show, from the top and from the left.
        side: of the matrix in inches.
        frames: frame clusters, which must be blocks in this order.
    """
    noise = view.noise[np.ix_(order, order)]
    image = axes.imshow(view.above[np.ix_(order, order)].astype(int) + noise, MARKS, vmin=0, vmax=2)
    rows, columns = np.nonzero(noise)
    cell = 72 * side / len(order)
    axes.scatter(columns, rows, s=(0.26 * min(cell, 28)) ** 2, color=LIGHT.ink, linewidths=0)
    _separate(axes, len(order), side)
    if frames:
        _frame_clusters(axes, view.cluster_of[order], width=float(np.clip(cell / 8, 0.3, 2.2)))
    return image


def name_labels(axes: Axes, names: Sequence[str], order: np.ndarray, side: float, *, columns: bool = True) -> None:
    """Put the names of labels on the axes, those of every n-th where not all have room.

    Args:
        axes: of a matrix.
        names: K names, as they can be drawn.
        order: labels in the matrix.
        side: of the matrix in inches.
        columns: also name the columns.
    """
    step, size = _name_size(len(order), side)
    places = np.arange(0, len(order), step)
    shown = [names[label] for label in order[::step]]
    upright = 90 if max(map(len, shown)) > 2 else 0
    axes.set_xticks(places, shown if columns else [""] * len(shown), rotation=upright, size=size)
    axes.set_yticks(places, shown, size=size)
    axes.tick_params(length=2 if step > 1 else 0, pad=2)


def name_room(names: Sequence[str], labels: int, side: float) -> float:
    """Inches that the longest name takes beside a matrix of so many labels."""
    return max(map(len, names)) * 0.6 * _name_size(labels, side)[1] / 72


def _name_size(labels: int, side: float) -> tuple[int, float]:
    """Every how manieth label is named, in how many points."""
    step = math.ceil(5 * labels / (72 * side))
    return step, float(np.clip(0.8 * 72 * side * step / labels, 4.5, 9))


def add_legend(picture: Figure) -> None:
    """Say what the colors of a thresholded matrix mean."""
    dot = Line2D([], [], color=LIGHT.ink, marker="o", markersize=2.5, linestyle="")
    meanings = {
        "cluster": Patch(facecolor=LIGHT.cluster, edgecolor=LIGHT.ink, linewidth=1.2),
        "noise": (Patch(facecolor=LIGHT.noise), dot),
        "below the threshold": Patch(facecolor=LIGHT.below, edgecolor=LIGHT.line),
    }
    picture.legend(list(meanings.values()), list(meanings), loc="lower right", ncols=3, borderaxespad=0.6)


def _separate(axes: Axes, labels: int, side: float) -> None:
    """White lines between cells where they are large enough, and no other lines."""
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")
    if labels <= _GRID_UP_TO:
        lines = np.arange(labels + 1) - 0.5
        style = {"colors": LIGHT.paper, "linewidth": float(np.clip(6 * side / labels, 0.3, 2))}
        axes.hlines(lines, -0.5, labels - 0.5, **style)
        axes.vlines(lines, -0.5, labels - 0.5, **style)


def _frame_clusters(axes: Axes, cluster_of: np.ndarray, width: float) -> None:
    starts = np.flatnonzero(np.diff(cluster_of, prepend=-1) != 0)
    for start in starts[cluster_of[starts] >= 0]:
        size = int((cluster_of == cluster_of[start]).sum())
        frame = Rectangle((start - 0.5, start - 0.5), size, size, fill=False, edgecolor=LIGHT.ink, linewidth=width)
        frame.set_clip_on(False)
        frame.set_zorder(3)
        axes.add_patch(frame)
