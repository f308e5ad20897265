"""How evenly the labels are spread over the filters of each layer."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fm_keras.analysis import Analysis
from fm_keras.colors import LIGHT
from fm_keras.numbers import count
from fm_keras.reports.plots.names import label_texts, layer_text
from fm_keras.reports.plots.picture import FIELD, Picture, new_picture, styled

_MOST = 100
"""labels that are drawn"""
_MOST_NAMES = 60


@styled
def label_homogeneity(analysis: Analysis) -> Picture:
    """Which share of the filters of each layer holds each label in a cluster, and how much the labels differ in that.

    Beyond 100 labels it shows the 50 that most filters hold and the 50 that the fewest hold, over all layers.

    Args:
        analysis: what was measured.

    Returns:
        Figure with a matrix [layer, label], and beside it the coefficient of variation over the labels of each layer.

    Source: Sci Rep 14, 5881 (2024).
    """
    shares = np.array([filters.homogeneity.counts / len(filters) for filters in analysis])
    shown = _shown(shares)
    names = label_texts(analysis.label_names)
    row, column = float(np.clip(7 / len(shares), 0.11, 0.3)), 0.13 if len(shown) > 24 else 0.36
    picture = new_picture(
        max(6, len(shown) * column) + 3.6,
        max(1.6, len(shares) * row) + 0.075 * max(len(names[label]) for label in shown) + 0.8,
        f"{analysis.data}: how evenly the labels are spread over the filters",
        f"{count(len(shares), 'layer')}, {count(shares.shape[1], 'label')}",
        f"Clusters of {analysis.source}. Coefficient of variation of a layer: standard deviation of the filters that "
        f"hold a label over their mean; 0: every label is held by equally many.{_left_out(shares.shape[1], shown)}",
    )
    matrix, spread = picture.subplots(1, 2, sharey=True, width_ratios=[max(4, len(shown) * column), 1.4])
    _draw_shares(matrix, shares[:, shown], [names[label] for label in shown], column)
    cvs = [filters.homogeneity.cv for filters in analysis]
    spread.plot(cvs, np.arange(len(cvs)), color=LIGHT.field_high, marker="o", markersize=3.5)
    spread.set_xlim(0, max(0.1, 1.15 * max(cvs)))
    spread.set_title("coefficient of\nvariation", size=9)
    spread.grid(axis="y", visible=False)
    step = -(-len(shares) // _MOST_NAMES)
    layers = [layer_text(filters.layer) for filters in analysis]
    matrix.set_yticks(np.arange(0, len(layers), step), layers[::step], size=8 if row > 0.14 else 6)
    return picture


def _draw_shares(axes: Axes, shares: np.ndarray, names: list[str], column: float) -> None:
    image = axes.imshow(shares, FIELD, vmin=0, vmax=shares.max() or 1, aspect="auto")
    axes.set_xticks(np.arange(len(names)), names, rotation=90, size=8.5 if column > 0.2 else 6.5)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title("share of the layer's filters with a cluster that holds the label", size=9)
    scale = axes.figure.colorbar(image, ax=axes, format=PercentFormatter(1), pad=0.01, aspect=25)
    scale.outline.set_visible(False)
    scale.ax.grid(False)


def _shown(shares: np.ndarray) -> np.ndarray:
    """Labels that are drawn, in their own order."""
    if shares.shape[1] <= _MOST:
        return np.arange(shares.shape[1])
    often = np.argsort(shares.sum(axis=0), kind="stable")
    return np.sort(np.concatenate([often[: _MOST // 2], often[-_MOST // 2 :]]))


def _left_out(labels: int, shown: np.ndarray) -> str:
    if len(shown) == labels:
        return ""
    half = len(shown) // 2
    return f" Shown are the {half} labels that most filters hold and the {half} that the fewest hold, of {labels:,}."
