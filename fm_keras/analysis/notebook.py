"""How an analysis and one of its filters show themselves in a notebook: HTML and SVG, without matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from fm_keras.analysis.answer import answer
from fm_keras.analysis.view import FilterView, short_names
from fm_keras.colors import LIGHT
from fm_keras.numbers import count, figures

if TYPE_CHECKING:
    from fm_keras.analysis.nouns import Analysis

_COLUMNS = {
    "layer": "layer",
    "units": "filters",
    "accuracy": "accuracy",
    "n_clusters": "clusters",
    "cluster_size": "labels of a cluster",
    "noise": "noise",
    "snr": "SNR",
    "dead": "dead",
    "quality": "quality, sum in nats",
}
_MOST_LAYERS, _MOST_LABELS = 60, 20
_CELL, _GAP, _LETTER = 18, 30, 6.5
_LONGEST = 16


def analysis_html(analysis: Analysis) -> str:
    """What the filters of each layer are like: a table, and the answer in words."""
    layers = analysis.layers()
    shown = [name for name in _COLUMNS if name in layers]
    heads = "".join(f"<th>{_COLUMNS[name]}</th>" for name in shown)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in layers[shown].head(_MOST_LAYERS).itertuples(index=False)
    )
    left = len(layers) - _MOST_LAYERS
    more = f"<p>{count(left, 'more layer')}: <code>.layers()</code></p>" if left > 0 else ""
    title = f"{analysis.data}: {count(int(layers['units'].sum()), 'filter')} in {count(len(layers), 'layer')}"
    return (
        f"<div><p><b>{escape(title)}</b><br>{escape(answer(layers))}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}"
        f"<p><small>{escape(analysis.source)}</small></p></div>"
    )


def filter_html(view: FilterView) -> str:
    """The field of one filter and what of it is above the threshold, in the order of clusters and noise."""
    shown = view.order[:_MOST_LABELS]
    return (
        f"<div><p><b>{escape(view.title)}</b><br>{escape(view.said)}</p>{_matrices(view, shown)}"
        f"<p><small>{escape(view.caption)}. Rows: label of the input; columns: output. Left: field, negative grey. "
        f"Right: clusters framed, noise with a dot. {escape(view.left_out(shown))}</small></p></div>"
    )


def _matrices(view: FilterView, shown: np.ndarray) -> str:
    """Both matrices as one SVG; the value of each element shows under the mouse."""
    every = short_names(view.label_names, _LONGEST)
    names = [escape(every[label]) for label in shown]
    room = 10 + _LETTER * max(len(every[label]) for label in shown)
    side = _CELL * len(shown)
    width, height = room + 2 * side + _GAP, room + side + 4
    parts = [
        f'<text x="{room - 5}" y="{room + _CELL * (row + 0.7):.1f}" text-anchor="end">{name}</text>'
        for row, name in enumerate(names)
    ]
    for left, fills in ((room, _field_fills(view, shown)), (room + side + _GAP, _mark_fills(view, shown))):
        parts += _heads(names, left, room)
        parts += _cells(view, shown, names, fills, left, room)
    parts += _marks(view, shown, room + side + _GAP, room)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'font-family="sans-serif" font-size="11" fill="currentColor">{"".join(parts)}</svg>'
    )


def _heads(names: list[str], left: float, top: float) -> Iterator[str]:
    for column, name in enumerate(names):
        x = left + _CELL * (column + 0.7)
        yield f'<text x="{x:.1f}" y="{top - 5}" transform="rotate(-90 {x:.1f} {top - 5})">{name}</text>'


def _cells(
    view: FilterView, shown: np.ndarray, names: list[str], fills: list[list[str]], left: float, top: float
) -> Iterator[str]:
    for row, label in enumerate(shown):
        for column, output in enumerate(shown):
            tip = f"{names[row]} → {names[column]}: {figures(float(view.field[label, output]))}"
            yield (
                f'<rect x="{left + _CELL * column:.0f}" y="{top + _CELL * row:.0f}" width="{_CELL - 1}" '
                f'height="{_CELL - 1}" fill="{fills[row][column]}"><title>{tip}</title></rect>'
            )


def _marks(view: FilterView, shown: np.ndarray, left: float, top: float) -> Iterator[str]:
    """Dots on noise, frames around clusters."""
    for row, column in np.argwhere(view.noise[np.ix_(shown, shown)]):
        x, y = left + _CELL * (column + 0.5), top + _CELL * (row + 0.5)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{LIGHT.ink}" pointer-events="none"/>'
    clusters = view.cluster_of[shown]
    for cluster in np.unique(clusters[clusters >= 0]):
        places = np.flatnonzero(clusters == cluster)
        start, side = _CELL * places[0], _CELL * len(places)
        yield (
            f'<rect x="{left + start - 0.5:.1f}" y="{top + start - 0.5:.1f}" width="{side}" height="{side}" '
            f'fill="none" stroke="currentColor" stroke-width="2"/>'
        )


def _field_fills(view: FilterView, shown: np.ndarray) -> list[list[str]]:
    largest = float(view.field.max())
    return [
        [_blue(value / largest) if value >= 0 < largest else LIGHT.negative for value in row]
        for row in view.field[np.ix_(shown, shown)].astype(float)
    ]


def _mark_fills(view: FilterView, shown: np.ndarray) -> list[list[str]]:
    colors = (LIGHT.below, LIGHT.cluster, LIGHT.noise)
    kinds = view.above.astype(int) + view.noise
    return [[colors[kind] for kind in row] for row in kinds[np.ix_(shown, shown)]]


def _blue(share: float) -> str:
    """Color of a positive field from its share of the largest."""
    low, middle, high = (_rgb(color) for color in (LIGHT.field_low, LIGHT.field_middle, LIGHT.field_high))
    mixed = low + (middle - low) * 2 * share if share < 0.5 else middle + (high - middle) * (2 * share - 1)
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], float)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return figures(value)
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
