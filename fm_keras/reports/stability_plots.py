"""How sure measures are, drawn: through the thresholds, and with intervals over the images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from fm_keras.analysis import Analysis
from fm_keras.colors import LIGHT
from fm_keras.reports.plots.course import depth_width, name_layers
from fm_keras.reports.plots.names import layer_text
from fm_keras.reports.plots.picture import Picture, new_picture, sentence, styled
from fm_keras.reports.steadiness import say_intervals, say_stability

_DEPTH = LinearSegmentedColormap.from_list("depth", ["#b8d4ee", LIGHT.field_middle, LIGHT.field_high])
_MEASURES = {
    "snr": "SNR",
    "noise": "noise elements of a filter",
    "n_clusters": "clusters of a filter",
    "cluster_size": "labels of a cluster",
}
_NAMED = 6


@styled
def threshold_curves(stability: pd.DataFrame, analysis: Analysis) -> Picture:
    """SNR, noise, clusters and their size at every threshold, a line a layer, light to dark from first to last.

    Args:
        stability: what `threshold_stability` returned, of one layer or several.
        analysis: what it was made from.

    Returns:
        Figure with one panel a measure; the threshold of the analysis is marked.
    """
    own, layers = analysis.settings.threshold, list(stability["layer"].unique())
    picture = new_picture(
        8.5,
        5.2,
        f"{analysis.data}: what hangs on the threshold",
        say_stability(stability, own),
        f"{sentence(analysis.source)}. Dashed: threshold {own:g} of the analysis. Lines end where SNR is infinite.",
    )
    panels = picture.subplots(2, 2, sharex=True)
    colors = _DEPTH(np.linspace(0, 1, len(layers)) if len(layers) > 1 else [1.0])
    for axes, (measure, title) in zip(panels.flat, _MEASURES.items()):
        for layer, color in zip(layers, colors):
            rows = stability[stability["layer"] == layer]
            values = rows[measure].where(np.isfinite(rows[measure]))
            axes.plot(rows["threshold"], values, color=color, linewidth=1.4, label=layer_text(layer))
        axes.axvline(own, color=LIGHT.own, linestyle="--", linewidth=1)
        axes.set_title(title)
        axes.set_xticks(sorted(stability["threshold"].unique()))
        if measure == "snr" and (stability["snr"] > 0).all():
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(ScalarFormatter())
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(bottom=0)
    for axes in panels[-1]:
        axes.set_xlabel("threshold", color=LIGHT.soft)
    _name_some(picture, panels[0, 0], len(layers))
    return picture


@styled
def interval_curves(intervals: pd.DataFrame, analysis: Analysis) -> Picture:
    """Accuracy, SNR and noise of each layer with their intervals over the images.

    Args:
        intervals: what `measure_intervals` returned.
        analysis: what they belong to.

    Returns:
        Figure with one panel a measure.
    """
    layers = list(intervals["layer"])
    picture = new_picture(
        3 * (depth_width(len(layers)) + 0.8),
        2.9,
        f"{analysis.data}: what hangs on the images",
        say_intervals(intervals),
        f"{sentence(analysis.source)}. Bars: intervals over these images, of accuracy over the test images.",
    )
    titles = {"accuracy": "accuracy of the probe", "snr": "SNR", "noise": "noise elements of a filter"}
    for axes, (measure, title) in zip(picture.subplots(1, 3), titles.items()):
        low, value, high = (intervals[f"{measure}{end}"].to_numpy(float) for end in ("_low", "", "_high"))
        axes.vlines(np.arange(len(layers)), low, high, color=LIGHT.field_middle, linewidth=5, alpha=0.6)
        axes.plot(value, "o", color=LIGHT.field_high, markersize=4)
        axes.set_title(title)
        name_layers(axes, layers)
    return picture


def _name_some(picture: Picture, axes: Axes, layers: int) -> None:
    """A legend of the first and last layer and some between."""
    lines, names = axes.get_legend_handles_labels()
    chosen = np.unique(np.linspace(0, layers - 1, min(layers, _NAMED)).round().astype(int))
    picture.legend([lines[place] for place in chosen], [names[place] for place in chosen], loc="outside right center")
