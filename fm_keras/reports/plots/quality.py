"""What a filter costs to lose against how clean it is."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from fm_keras.analysis import Analysis
from fm_keras.colors import LIGHT
from fm_keras.filters import rank_correlation
from fm_keras.numbers import count, figures
from fm_keras.reports.plots.measured import check_quality
from fm_keras.reports.plots.names import readable
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_KINDS = (
    ("no cluster", LIGHT.soft, "x"),
    ("1 cluster", LIGHT.cluster, "o"),
    ("2 clusters", LIGHT.field_middle, "s"),
    ("3 or more", LIGHT.own, "^"),
)
_LINEAR = 0.01
_SNR_TICKS = (0, 0.5, *(digit * 10**power for power in range(6) for digit in (1, 2, 5)))
_QUALITY_TICKS = (0, 0.005, *(digit * 10.0**power for power in range(-2, 4) for digit in (1, 2, 5)))


@styled
def quality_against_snr(analysis: Analysis, layer: str | None = None) -> Picture:
    """Quality of each filter with its interval, against its SNR; colors and markers are numbers of clusters.

    Args:
        analysis: with quality, which is measured with network fields.
        layer: path of one layer; all layers if None.

    Returns:
        Figure with one point a filter; those of infinite SNR lie in a strip of their own to the right.

    Raises:
        InvalidInput: a layer that was not measured, or no quality.
    """
    check_quality(analysis)
    table = analysis.filters() if layer is None else analysis[layer].table
    alike = rank_correlation(table["quality"].to_numpy(), table["snr"].to_numpy())
    where = f"{count(len(analysis), 'layer')} of {analysis.data}" if layer is None else layer
    picture = new_picture(
        8.5,
        4.8,
        readable(f"{where}: what {count(len(table), 'filter')} cost to lose, and how clean they are", 120),
        f"Rank correlation of quality and SNR: {figures(alike)}",
        f"SNR of {analysis.source}. Quality: expected increase of the loss without the filter, thin lines its interval "
        "over images; below zero the network is expected to do better without it. Scales: linear up to SNR 1 and to "
        f"{_LINEAR} nats, logarithmic beyond.",
    )
    axes = picture.subplots()
    _draw_points(axes, table)
    axes.axhline(0, color=LIGHT.soft, linewidth=0.8)
    axes.set(xlabel="SNR of the filter", ylabel="quality in nats")
    return picture


def _draw_points(axes: Axes, table: pd.DataFrame) -> None:
    places, edge = _places(table["snr"].to_numpy(float))
    small = float(np.clip(400 / np.sqrt(len(table)), 10, 30))
    axes.vlines(places, table["quality_low"], table["quality_high"], colors=LIGHT.soft, linewidth=0.5, alpha=0.45)
    kinds = np.minimum(table["n_clusters"].to_numpy(), len(_KINDS) - 1)
    handles = []
    for kind, (name, color, marker) in enumerate(_KINDS):
        chosen = kinds == kind
        if chosen.any():
            axes.scatter(
                places[chosen],
                table["quality"][chosen],
                s=small,
                color=color,
                marker=marker,
                linewidths=0.9,
                alpha=0.85,
            )
            handles.append(Line2D([], [], color=color, marker=marker, linestyle="", label=f"{name} ({chosen.sum():,})"))
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), handletextpad=0.1)
    _scale(axes, places.max(), table["quality_low"].min(), table["quality_high"].max(), edge)


def _scale(axes: Axes, right: float, lowest: float, highest: float, edge: tuple[float, float] | None) -> None:
    """Logarithmic where values are large, with plain numbers; the strip of infinite SNR at the right edge."""
    end = edge[1] if edge else 1.1 * right
    axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    axes.set_xlim(0, max(end, 1))
    axes.set_xticks([tick for tick in _SNR_TICKS if tick < (edge[0] if edge else end)])
    if max(abs(lowest), highest) > 2 * _LINEAR:
        axes.set_yscale("symlog", linthresh=_LINEAR)
        ticks = [sign * tick for tick in _QUALITY_TICKS for sign in (-1, 1)]
        axes.set_yticks([tick for tick in ticks if lowest <= tick <= highest])
        axes.set_ylim(min(1.3 * lowest, -_LINEAR / 10), 1.3 * highest)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_locator(NullLocator())
    if edge:
        axes.axvspan(*edge, color=LIGHT.below, zorder=0)
        middle = math.sqrt(edge[0] * edge[1])
        axes.annotate("∞: no noise", (middle, 0.985), xycoords=("data", "axes fraction"), ha="center", va="top")


def _places(snr: np.ndarray) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Where the points lie; and the strip for infinite SNR, where there is any, in which they are spread evenly."""
    infinite = np.isinf(snr)
    if not infinite.any():
        return snr, None
    left = 1.3 * max(1.0, snr[~infinite].max(initial=0))
    right = left * max(1.8, left**0.2)
    places = snr.copy()
    places[infinite] = left * (right / left) ** ((np.arange(infinite.sum()) + 0.5) / infinite.sum())
    return places, (left, right)
