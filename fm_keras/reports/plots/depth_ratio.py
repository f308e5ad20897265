"""Error of networks that divide the same cost otherwise between their convolutions."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from fm_keras.colors import LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.numbers import figures
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_LINES = (
    {"color": LIGHT.field_high, "marker": "o"},
    {"color": LIGHT.own, "marker": "s", "linestyle": "--"},
    {"color": LIGHT.cluster, "marker": "^", "linestyle": ":"},
    {"color": LIGHT.field_middle, "marker": "D", "linestyle": "-."},
)


@styled
def depth_ratio(table: pd.DataFrame, data: str, said: str = "") -> Picture:
    """Error against the depth ratio, a line for each model and cost.

    Args:
        table: what `fm_keras.scaling.compare_ratios` returned.
        data: name of the data set, for the title.
        said: what comes out, in words.

    Raises:
        InvalidInput: no two networks of the sweep differ in their ratio and cost the same.
    """
    if table.empty:
        raise InvalidInput("No two depth ratios of the sweep cost the same; give --ratios with --equal-macs.")
    title = f"{data}: error by depth ratio at equal MACs"
    ratio = "Depth ratio: filters of the second convolution for each of the first."
    caption = f"{ratio} Point: mean over seeds; bar: their standard deviation. MACs: multiply-accumulates of one image."
    picture = new_picture(6.4, 3.2, title, said, caption)
    axes = picture.subplots()
    groups = list(table.groupby(["model", "macs"], sort=False))
    for number, ((model, macs), rows) in enumerate(groups):
        look = {**_LINES[number % len(_LINES)], "linewidth": 1.4, "markersize": 4.5}
        axes.errorbar(rows["ratio"], rows["error"], yerr=rows["spread"], capsize=3, label=_name(model, macs), **look)
    _scale(axes, sorted(table["ratio"].unique()))
    axes.legend(loc="best")
    return picture


def _scale(axes: Axes, ratios: list[float]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ratios))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
    axes.set_xlabel("depth ratio")
    axes.set_ylabel("error")


def _name(model: str, macs: float) -> str:
    return f"{model}, {figures(macs / 1e6)} M MACs"
