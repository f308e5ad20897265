"""Accuracy, SNR, noise, clusters and quality through the depth of a network."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.numbers import count
from fm_keras.reports.plots.course import BAND, depth_width, draw_course, name_layers
from fm_keras.reports.plots.picture import Picture, new_picture, sentence, styled

_LINE = (
    "Line: mean over the filters; of SNR the ratio of their sums, of accuracy the probe, of cluster size over clusters."
)


@styled
def depth_curves(analysis: Analysis) -> Picture:
    """What the filters are like from the first layer to the last: the mean of each layer, and the spread over filters.

    Args:
        analysis: what was measured; its network fields, if any, are an analysis of their own: `analysis.network`.

    Returns:
        Figure with one panel a measure: accuracy where there are probes, SNR, noise, cluster size, clusters per
        filter, and quality where it was measured.

    Source: arXiv:2305.18078, Sci Rep 14, 5881 (2024).
    """
    layers = analysis.layers()
    panels = _panels(analysis, layers)
    rows, columns = math.ceil(len(panels) / 2), min(2, len(panels))
    picture = new_picture(
        columns * (depth_width(len(layers)) + 0.9),
        rows * 2.1 + 0.9,
        f"{analysis.data}: what the filters are like, layer by layer",
        f"{count(len(layers), 'layer')}, {count(int(layers['units'].sum()), 'filter')}, "
        f"{count(len(analysis.label_names), 'label')}",
        f"{sentence(analysis.source)}, threshold {analysis.settings.threshold:g}. {_LINE} {BAND}",
    )
    grid = picture.subplots(rows, columns, sharex=True, squeeze=False)
    for number, (axes, (title, line, spread)) in enumerate(zip(grid.flat, panels)):
        draw_course(axes, line, spread)
        axes.set_title(title)
        name_layers(axes, list(layers["layer"]))
        axes.tick_params(labelbottom=number + columns >= len(panels))
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    return picture


def _panels(analysis: Analysis, layers: pd.DataFrame) -> list[tuple[str, np.ndarray, list[np.ndarray]]]:
    """Title, values of the layers, values of their filters."""
    tables = [filters.table for filters in analysis]
    clustered = [table[table["n_clusters"] > 0] for table in tables]
    panels = [
        ("SNR", layers["snr"], [table["snr"] for table in tables]),
        ("noise elements of a filter", layers["noise"], [table["external_noise"] for table in tables]),
        ("labels of a cluster", layers["cluster_size"], [table["signal"] / table["n_clusters"] for table in clustered]),
        ("clusters of a filter", layers["n_clusters"], [table["n_clusters"] for table in tables]),
    ]
    if layers["accuracy"].notna().any():
        panels.insert(0, ("accuracy of the probe", layers["accuracy"], []))
    if "quality" in layers:
        mean = pd.Series([table["quality"].mean() for table in tables])
        panels.append(("quality of a filter in nats", mean, [table["quality"] for table in tables]))
    return [
        (title, line.to_numpy(float), [values.to_numpy(float) for values in spread]) for title, line, spread in panels
    ]
