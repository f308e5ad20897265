"""Error, clusters and SNR against the number of labels, with the line and the power of K that fit best."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fm_keras.colors import LIGHT
from fm_keras.numbers import count
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_TITLES = {
    "error": "maximal error",
    "n_clusters": "clusters of a filter, N_c",
    "cluster_size": "labels of a cluster, C_s",
    "snr": "SNR",
}


@styled
def label_law(table: pd.DataFrame, laws: pd.DataFrame, data: str, said: str = "") -> Picture:
    """A panel a measure: what was found for each number of labels, and both fits.

    Args:
        table: what `fm_keras.scaling.label_table` returned.
        laws: what `fm_keras.scaling.label_laws` made of it; may be empty.
        data: name of the data set, for the title.
        said: what comes out, in words.

    Source: Sci Rep 14, 5881 (2024).
    """
    shown = [name for name in _TITLES if name in table and np.isfinite(table[name]).any()]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    title = f"{data}: what grows with the number of labels, and what does not"
    caption = (
        f"{count(int(table['seeds'].max()), 'seed')} for each number of labels K; clusters and SNR of the last "
        "convolution. Line: fitted line; dashed: fitted power of K."
    )
    picture = new_picture(3.5 * columns, 2.3 * rows, title, said, caption)
    grid = picture.subplots(rows, columns, squeeze=False, sharex=True)
    fits = {law["measure"]: law for law in laws.to_dict("records")}
    for number, (axes, name) in enumerate(zip(grid.flat, shown)):
        _draw(axes, table["labels"].to_numpy(float), table[name].to_numpy(float), fits.get(name, {}))
        axes.set_title(_TITLES[name])
        if number + columns >= len(shown):
            axes.set_xlabel("labels K", color=LIGHT.soft)
            axes.tick_params(labelbottom=True)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    return picture


def _draw(axes: Axes, labels: np.ndarray, values: np.ndarray, fit: dict) -> None:
    x = np.linspace(labels.min(), labels.max(), 100)
    if np.isfinite(fit.get("slope", np.nan)):
        axes.plot(x, fit["intercept"] + fit["slope"] * x, color=LIGHT.field_middle, linewidth=1.4)
    if np.isfinite(fit.get("exponent", np.nan)):
        axes.plot(x, fit["factor"] * x ** fit["exponent"], color=LIGHT.own, linestyle="--", linewidth=1.4)
    axes.plot(labels, values, "o", color=LIGHT.field_high, markersize=4.5, clip_on=False)
    top = values[np.isfinite(values)].max()
    axes.set_ylim(0, 1.15 * top if top > 0 else 1)
    axes.xaxis.get_major_locator().set_params(integer=True)
