"""How hard the classes are to tell apart, from the images through the layers of one network or of several."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fm_keras.colors import LIGHT
from fm_keras.numbers import count
from fm_keras.reports.plots.course import depth_width, draw_course, name_layers
from fm_keras.reports.plots.looks import draw_legend, legend_height, look_of
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_BEFORE, _AFTER = "points", "failed"
_ALONE = "95% bootstrap interval over the points, their neighbors kept as they are"
_SEVERAL = "from the least to the largest network; line: their mean"


@styled
def complexity_curves(table: pd.DataFrame, data: str, *, by: str = "model") -> Picture:
    """One panel for each measure of complexity; of several networks a line each.

    Args:
        table: what `fm_keras.measure_complexity` returned, `fm_keras.complexity.measure_course` for several networks,
            or `join_trials` for those of a sweep.
        data: name of the data set, for the title.
        by: column that tells networks apart; those with the same value, such as seeds, are drawn as their mean, with
            their range as a band.

    Returns:
        Figure.  Where networks differ in their layers they are drawn by the share of their depth.

    Source: arXiv:2209.00525.
    """
    networks = {_name(by, value): rows for value, rows in table.groupby(by, sort=False)} if by in table else {"": table}
    orders = {tuple(rows["layer"].unique()) for rows in networks.values()}
    looks = {name: look_of(number) for number, name in enumerate(networks)} if len(networks) > 1 else {}
    most = max(map(len, orders))
    said = f"{count(most, 'layer')}, {count(int(table['points'].iloc[0]), 'image')}"
    title = f"{data}: how hard the classes are to tell apart, layer by layer"
    words = (title, said, f"Lower is easier. Band: {band_words(table, by, 'layer')}.")
    picture, panels = measure_panels(measures_of(table), depth_width(most) + 0.9, words, looks)
    for axes, measure in panels:
        for name, rows in networks.items():
            _draw(axes, rows, measure, looks.get(name), shared=len(orders) == 1)
        axes.set_ylim(0, axes.get_ylim()[1])
        if len(orders) == 1:
            name_layers(axes, next(iter(orders)))
        else:
            axes.set_xlabel("depth: from the images, 0, to the last layer, 1", color=LIGHT.soft)
    return picture


def measure_panels(
    names: list[str], width: float, words: tuple[str, str, str], looks: dict[str, dict]
) -> tuple[Picture, list[tuple[Axes, str]]]:
    """A figure with one panel for each measure, and a legend below them.

    Args:
        names: the measures.
        width: inches of a panel.
        words: title, what is said below it, caption.
        looks: how lines look, by name; none for no legend.
    """
    columns = min(2, len(names))
    rows, below = math.ceil(len(names) / columns), legend_height(len(looks))
    picture = new_picture(max(4.5, columns * width), rows * 2.1 + 0.9 + below, *words)
    grid = picture.add_gridspec(rows + 1, columns, height_ratios=[*[2.1] * rows, max(below, 0.01)])
    panels: list[tuple[Axes, str]] = []
    for number, name in enumerate(names):
        axes = picture.add_subplot(grid[divmod(number, columns)], sharex=panels[0][0] if panels else None)
        axes.set_title(name.replace("_", " "))
        axes.tick_params(labelbottom=number + columns >= len(names))
        panels.append((axes, name))
    if looks:
        draw_legend(picture.add_subplot(grid[rows, :]), looks)
    return picture, panels


def measures_of(table: pd.DataFrame) -> list[str]:
    """Names of the measures in a table of layers."""
    inner = table.columns[table.columns.get_loc(_BEFORE) + 1 : table.columns.get_loc(_AFTER)]
    return [name for name in inner if name.removesuffix("_low").removesuffix("_high") == name]


def band_words(table: pd.DataFrame, *columns: str) -> str:
    """What bands show where lines are told apart by some columns."""
    several = table.groupby([column for column in columns if column in table], sort=False).size().max() > 1
    return _SEVERAL if several else _ALONE


def spread_of(rows: pd.DataFrame, measure: str, along: str) -> pd.DataFrame:
    """Value, low and high along a column, in its order: of one row its interval, of several their mean and range."""
    groups = rows[rows[measure].notna()].groupby(along, sort=False)
    ends = [f"{measure}_low", f"{measure}_high"]
    if len(rows) > len(groups) or ends[0] not in rows:
        ends = [measure, measure]
    return pd.DataFrame(
        {"value": groups[measure].mean(), "low": groups[ends[0]].min(), "high": groups[ends[1]].max()}
    ).reindex(rows[along].unique())


def _draw(axes: Axes, rows: pd.DataFrame, measure: str, look: dict | None, *, shared: bool) -> None:
    """One network's line and band; by depth as a share where networks differ in their layers."""
    found = spread_of(rows, measure, "layer")
    if look is None:
        draw_course(
            axes, found["value"].to_numpy(), found[["low", "high"]].to_numpy() if f"{measure}_low" in rows else ()
        )
        return
    places = np.arange(len(found)) if shared else np.linspace(0, 1, len(found))
    axes.fill_between(places, found["low"], found["high"], color=look["color"], alpha=0.15, linewidth=0)
    axes.plot(places, found["value"], **look)


def _name(by: str, value: object) -> str:
    """What networks with this value are called in the legend."""
    word = by.replace("_", " ")
    if isinstance(value, bool | np.bool_):
        return word if value else f"no {word}"
    return value if isinstance(value, str) else f"{word} {value:g}"
