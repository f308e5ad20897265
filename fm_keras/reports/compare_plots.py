"""Runs side by side through their depth: what each measures, and how alike matched filters are."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fm_keras.colors import LIGHT
from fm_keras.numbers import count
from fm_keras.reports.compare import Comparison
from fm_keras.reports.differences import say_differences
from fm_keras.reports.plots.course import depth_width, name_layers
from fm_keras.reports.plots.names import readable
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_PANELS = {
    "accuracy": "accuracy of the probe",
    "snr": "SNR",
    "noise": "noise elements of a filter",
    "n_clusters": "clusters of a filter",
    "cluster_size": "labels of a cluster",
    "similarity": "similarity of matched filters",
}
_LOOKS = (("-", "o"), ("--", "s"), ("-.", "^"), (":", "D"))
_COLORS = (LIGHT.own, LIGHT.field_middle, LIGHT.cluster, LIGHT.noise)
_CAPTION = (
    "Similarity: cosine of the fields of filters matched with the first run; dotted: that of the best match after the "
    "labels of one run were shuffled, which is chance."
)


@styled
def comparison_curves(comparison: Comparison) -> Picture:
    """What each network measures from the first layer to the last, and how alike their matched filters are.

    Args:
        comparison: what `compare` returned.

    Returns:
        Figure with one panel a measure, one line a network; the first is dark blue.
    """
    layers = list(dict.fromkeys(comparison.layers["layer"]))
    first, *others = (readable(name, 40) for name in comparison.names)
    said = say_differences(comparison)
    picture = new_picture(
        3 * (depth_width(len(layers)) + 0.8),
        5.6,
        f"{', '.join(others)} compared with {first}",
        said[0] if len(said) == 1 else f"{count(len(layers), 'layer')}, {count(len(others) + 1, 'run')}",
        _CAPTION,
    )
    grid = picture.subplots(2, 3, sharex=True)
    for axes, (measure, title) in zip(grid.flat, _PANELS.items()):
        if comparison.layers[measure].isna().all():  # network fields have no probe
            axes.set_axis_off()
            continue
        _draw(axes, comparison, measure, layers)
        axes.set_title(title)
        name_layers(axes, layers)
    grid[0, 1].legend(loc="best")
    for axes in grid[0]:
        axes.tick_params(labelbottom=False)
    return picture


def _draw(axes: Axes, comparison: Comparison, measure: str, layers: list[str]) -> None:
    """One measure: the first network as a dark line, then each of the others."""
    runs = {
        name: rows.set_index("layer").reindex(layers) for name, rows in comparison.layers.groupby("run", sort=False)
    }
    if measure == "similarity":
        axes.set_ylim(min(0, comparison.layers["similarity"].min()), 1.03)
    else:
        base = pd.concat(runs.values())[f"{measure}_first"].dropna()
        _line(axes, base[~base.index.duplicated()].reindex(layers), comparison.names[0], LIGHT.field_high, ("-", "o"))
    for number, (name, rows) in enumerate(runs.items()):
        color = _COLORS[number % len(_COLORS)]
        _line(axes, rows[measure], name, color, _LOOKS[(number + 1) % len(_LOOKS)])
        if measure == "similarity":
            axes.plot(rows["similarity_by_chance"].to_numpy(), color=color, linestyle=":", linewidth=1.2)


def _line(axes: Axes, values: pd.Series, name: str, color: str, look: tuple[str, str]) -> None:
    line, marker = look
    drawn = np.where(np.isinf(values.to_numpy(float)), math.nan, values.to_numpy(float))
    axes.plot(drawn, line, marker=marker, markersize=3.5, linewidth=1.4, color=color, label=readable(name, 40))
