"""How hard the classes are to tell apart, from the images through the layers of a network."""

from __future__ import annotations

import math

import pandas as pd

from fm_keras.numbers import count
from fm_keras.reports.plots.course import depth_width, draw_course, name_layers
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_BEFORE, _AFTER = "points", "failed"


@styled
def complexity_curves(table: pd.DataFrame, data: str) -> Picture:
    """One panel for each measure of complexity, with its interval where it has one.

    Args:
        table: what `fm_keras.measure_complexity` returned.
        data: name of the data set, for the title.

    Source: arXiv:2209.00525.
    """
    names = measures_of(table)
    columns = min(2, len(names))
    rows = math.ceil(len(names) / columns)
    points = count(int(table["points"].iloc[0]), "image")
    picture = new_picture(
        columns * (depth_width(len(table)) + 0.9),
        rows * 2.1 + 0.9,
        f"{data}: how hard the classes are to tell apart, layer by layer",
        f"{count(len(table), 'layer')}, {points}",
        "Lower is easier. Band: 95% bootstrap interval over the points, their neighbors kept as they are.",
    )
    grid = picture.subplots(rows, columns, sharex=True, squeeze=False)
    for number, (axes, name) in enumerate(zip(grid.flat, names)):
        ranged = f"{name}_low" in table
        interval = table[[f"{name}_low", f"{name}_high"]].to_numpy(float) if ranged else ()
        draw_course(axes, table[name].to_numpy(float), interval)
        axes.set_title(name.replace("_", " "))
        name_layers(axes, list(table["layer"]))
        axes.tick_params(labelbottom=number + columns >= len(names))
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    return picture


def measures_of(table: pd.DataFrame) -> list[str]:
    """Names of the measures in a table of layers."""
    inner = table.columns[table.columns.get_loc(_BEFORE) + 1 : table.columns.get_loc(_AFTER)]
    return [name for name in inner if name.removesuffix("_low").removesuffix("_high") == name]
