"""The tables of a sweep: a row a design, as many columns as the terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras.scaling import varying_axes
from fm_keras_cli.numbers import amount, decimals, duration, figures
from fm_keras_cli.tables import BLUE, YELLOW, bar

AXES = {"model": "model", "ratio": "ratio", "batch_norm": "BatchNorm", "labels": "labels", "samples": "images"}
_MEASURED = {"n_clusters": ("clusters", 1), "cluster_size": ("size", 1), "noise": ("noise", 1), "snr": ("SNR", 2)}
_RANKS = {"noise": 2, "snr": 3, "n_clusters": 8, "cluster_size": 9}
_PADDING = 2


class Column(NamedTuple):
    """A column, which is left out where there is no room for it and for those of a smaller rank."""

    name: str
    cells: list[str]
    rank: int = 0
    style: str = ""
    left: bool = False

    @property
    def width(self) -> int:
        """Cells that it takes, with the air around it."""
        return max(map(len, [self.name, *self.cells])) + _PADDING


def fitting_table(columns: Sequence[Column], width: int) -> Table:
    """A table of the columns that a terminal has room for."""
    chosen = list(columns)
    while sum(column.width for column in chosen) > width and any(column.rank for column in chosen):
        chosen.remove(max(chosen, key=lambda column: column.rank))
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in chosen:
        table.add_column(column.name, justify="left" if column.left else "right", no_wrap=True)
    for cells in zip(*(column.cells for column in chosen)):
        table.add_row(*(Text(cell, column.style) for cell, column in zip(cells, chosen)))
    return table


def design_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a design: what differs between the trials but the seed, and means over the seeds.

    Args:
        rows: of a sweep, without those of failed trials.

    Returns:
        The axes that differ, width, seeds, macs, parameters, error, spread (standard deviation over seeds; NaN for
        one), the measures of filters where they were measured, and seconds of a trial.
    """
    keys = [*varying_axes(rows), "width"]
    measured = [name for name in _MEASURED if name in rows and rows[name].notna().any()]
    designs = rows.groupby(keys, dropna=False, sort=False)
    named = {name: (name, "mean") for name in ("macs", "parameters", "error", *measured, "seconds")}
    table = designs.agg(seeds=("error", "size"), spread=("error", "std"), **named).reset_index()
    columns = [*keys, "seeds", "macs", "parameters", "error", "spread", *measured, "seconds"]
    return table[columns].sort_values(keys, kind="stable", ignore_index=True)


def show_designs(designs: pd.DataFrame, width: int) -> Table:
    """What `design_table` found, on a terminal of so many columns."""
    top = designs["error"].max() or 1.0
    columns = axis_columns(designs)
    columns += [
        Column("MACs", _cells(designs["macs"], amount), 5),
        Column("parameters", _cells(designs["parameters"], amount), 11),
        Column("seeds", designs["seeds"].astype(str).to_list(), 6),
        Column("error", [decimals(value, 3) for value in designs["error"]]),
    ]
    if designs["spread"].notna().any():
        columns.append(Column("spread", [decimals(value, 3) for value in designs["spread"]], 4))
    columns.append(Column("", [bar(value / top) for value in designs["error"]], 12, BLUE, left=True))
    for name, (title, places) in _MEASURED.items():
        if name in designs:
            cells = [decimals(value, places) for value in designs[name]]
            columns.append(Column(title, cells, _RANKS[name], YELLOW if name == "noise" else ""))
    columns.append(Column("time", _cells(designs["seconds"], duration), 10))
    return fitting_table(columns, width)


def axis_columns(designs: pd.DataFrame) -> list[Column]:
    """The columns of what differs between designs, and of their width."""
    columns = [
        Column(title, [_axis_cell(axis, value) for value in designs[axis]], left=axis == "model")
        for axis, title in AXES.items()
        if axis in designs
    ]
    return [*columns, Column("width", [f"{value:,.0f}" for value in designs["width"]])]


def _cells(values: pd.Series, say) -> list[str]:
    """Values as cells; - for what rows from elsewhere do not say."""
    return ["-" if pd.isna(value) else say(value) for value in values]


def _axis_cell(axis: str, value: object) -> str:
    if pd.isna(value):
        return "-"
    if axis == "batch_norm":
        return "yes" if value else "no"
    return str(value) if axis == "model" else figures(value) if axis == "ratio" else f"{int(value):,}"
