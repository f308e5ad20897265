"""Laws of width, on logarithmic scales: what was measured, the law, and what the largest width says about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from fm_keras.colors import LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.numbers import figures
from fm_keras.reports.plots.names import readable
from fm_keras.reports.plots.picture import Picture, new_picture, sentence, styled
from fm_keras.scaling.fitting import HeldOut
from fm_keras.scaling.powerlaw import PowerLaw

_COLORS = (LIGHT.field_high, LIGHT.cluster, LIGHT.field_middle, LIGHT.noise, LIGHT.negative)
_MARKERS = "osD^v"
_BEYOND = 2.0
_MANY = 8
_LARGE = 10_000


@styled
def power_law(
    laws: PowerLaw | Mapping[str, PowerLaw], x_name: str = "width", y_name: str = "error", data: str = ""
) -> Picture:
    """Measured points, fitted laws with their intervals, and the largest width predicted from the others.

    Args:
        laws: one law, or several by name.
        x_name: what the errors are drawn against.
        y_name: what falls.
        data: name of the data set, for the title.

    Returns:
        Figure with a line, a band and points for each law.

    Raises:
        InvalidInput: no laws.
    """
    laws = {"": laws} if isinstance(laws, PowerLaw) else dict(laws)
    if not laws:
        raise InvalidInput("There is no law to draw; received an empty dict.")
    level = next(iter(laws.values())).level
    title = f"{y_name} against {x_name}"
    doubts = dict.fromkeys(f" {law.doubt}." for law in laws.values() if law.doubt)
    picture = new_picture(
        7.5,
        4.6,
        readable(f"{data}: {title}" if data else sentence(title), 120),
        "\n".join(_said(name, law, x_name, y_name) for name, law in laws.items()),
        f"Small points: single trainings; large: their geometric mean. Band: {level:.0%} interval of the law, dashed "
        f"beyond what was measured. Open diamond: the largest {x_name} by a fit to all others, with the interval that "
        f"shall hold the mean measured there.{''.join(doubts)}",
    )
    axes = picture.subplots()
    axes.set(xscale="log", yscale="log", xlabel=x_name, ylabel=y_name)
    for number, (name, law) in enumerate(laws.items()):
        marker = _MARKERS[(number + number // len(_COLORS)) % len(_MARKERS)]
        _draw_law(axes, law, readable(name, 40), _COLORS[number % len(_COLORS)], marker)
    _scale(axes, np.unique(np.concatenate([law.curve.widths for law in laws.values()])))
    if "" not in laws:
        axes.legend(loc="best")
    return picture


def _said(name: str, law: PowerLaw, x_name: str, y_name: str) -> str:
    which = f"{readable(name, 40)}: " if name else ""
    size = x_name.partition(" of ")[0]  # MACs, where the axis says MACs of one image
    return f"{which}{y_name} = {law.sentence(size)}".replace("**", "^").replace(" * ", " × ")


def _draw_law(axes: Axes, law: PowerLaw, name: str, color: str, marker: str) -> None:
    smallest, largest = law.curve.widths[[0, -1]]
    course = law.predict(np.geomspace(smallest, _BEYOND * largest, 200))
    measured = course.width <= largest
    axes.fill_between(course.width, course.low, course.high, color=color, alpha=0.16, linewidth=0)
    axes.plot(course.width[measured], course.value[measured], color=color, linewidth=1.6)
    axes.plot(course.width[~measured], course.value[~measured], color=color, linewidth=1.4, linestyle=(0, (4, 2.5)))
    axes.scatter(*law.curve.trials, s=9, color=color, marker=marker, alpha=0.45, linewidths=0)
    axes.scatter(law.curve.widths, law.curve.errors, s=34, color=color, marker=marker, label=name or None, zorder=3)
    for held_out in law.held_out:
        if held_out.form == law.form:
            _draw_held_out(axes, held_out)
    look = {"color": color, "linewidth": 0.8, "linestyle": ":"}
    beside = {"textcoords": "offset points", "color": LIGHT.soft}
    if law.floor > 0:
        axes.axhline(law.floor, **look)
        text = f"floor {figures(law.floor)}"
        axes.annotate(text, (0.01, law.floor), (0, 3), xycoords=("axes fraction", "data"), **beside)
    if turn := law.values.get("turn"):
        axes.axvline(turn, **look)
        text = f"turn at {figures(turn)}"
        axes.annotate(text, (turn, 0.03), (4, 0), xycoords=("data", "axes fraction"), **beside)


def _draw_held_out(axes: Axes, held_out: HeldOut) -> None:
    where, error = held_out.width, held_out.predicted
    reach = [[error - held_out.low], [held_out.high - error]]
    axes.errorbar(
        where, error, reach, color=LIGHT.own, marker="D", markersize=7, markerfacecolor="none",
        markeredgewidth=1.4, elinewidth=1.2, capsize=3, zorder=4,
    )  # fmt: skip


def _scale(axes: Axes, widths: np.ndarray) -> None:
    """Plain numbers: the widths themselves where they are few, 1, 2 and 5 elsewhere."""
    if len(widths) <= _MANY and widths[-1] < _LARGE:
        axes.set_xticks(widths)
    else:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    large = EngFormatter(sep=" ")
    axes.xaxis.set_major_formatter(large if widths[-1] >= _LARGE else lambda value, _: f"{value:,g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
