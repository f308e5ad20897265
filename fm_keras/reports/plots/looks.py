"""Lines that are told apart without color alone, and the legend that names them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from fm_keras.colors import LIGHT
from fm_keras.reports.plots.names import readable

_COLORS = (LIGHT.field_high, LIGHT.own, LIGHT.cluster, LIGHT.noise, LIGHT.field_middle, LIGHT.negative)
_LINES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
_IN_A_ROW = 5


def look_of(number: int) -> dict[str, Any]:
    """Color, line and marker of one of several lines; no two of 24 are alike."""
    line, marker = _LINES[number // len(_COLORS) % len(_LINES)]
    color = _COLORS[number % len(_COLORS)]
    return {"color": color, "linestyle": line, "marker": marker, "markersize": 3.5, "linewidth": 1.4}


def legend_height(lines: int) -> float:
    """Inches that the legend of so many lines takes."""
    return 0.2 * math.ceil(lines / _IN_A_ROW)


def draw_legend(axes: Axes, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill axes with the names of lines and how they look."""
    axes.set_axis_off()
    handles = [Line2D([], [], label=readable(name, 30), **look) for name, look in looks.items()]
    axes.legend(handles=handles, loc="center", ncols=_IN_A_ROW, borderpad=0, labelspacing=0.3, columnspacing=1.2)
