"""What the complexity of layers looks like on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras.complexity import MEASURES, plan_complexity
from fm_keras.settings import ComplexitySettings
from fm_keras_cli.numbers import count, decimals, figures, file_size
from fm_keras_cli.tables import BLUE, TEAL, bar, new_table, spark
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from fm_keras.data import Dataset
    from fm_keras_cli.bars import Bars

_NUMBER = 5  # 0.123
_GAP, _BAR, _SPARK, _INTERVAL = 2, 10, 3, 16


def show_complexity(
    terminal: Terminal, table: pd.DataFrame, settings: ComplexitySettings, kept_in: Path | None
) -> None:
    """The layers, what came out in words, and where it lies.

    Args:
        terminal: where to.
        table: what `measure_complexity` returned.
        settings: how.
        kept_in: folder that holds the table, if any.
    """
    names = [name for name in MEASURES if name in table]
    said = complexity_answer(table, names)
    show_measured(terminal, table, settings, complexity_table(table, names, terminal.out.width), said)
    if kept_in:
        terminal.hint(f"Saved in {kept_in}.")


def show_measured(
    terminal: Terminal, table: pd.DataFrame, settings: ComplexitySettings, shown: Table, said: str
) -> None:
    """A table with what it was measured on, what came out in words, and what had no answer.

    Args:
        terminal: where to.
        table: what was measured.
        settings: how.
        shown: as much of it as is shown.
        said: what came out.
    """
    terminal.hint("")
    document = {"split": settings.split, "points": int(table["points"].iloc[0]), "pool": settings.pool}
    words = Text(f"\n{measured_on(table, settings)}\n{said}")
    terminal.result({**document, "answer": said, "layers": table}, shown, words)
    for row in table[table["failed"] != ""].to_dict("records"):
        where = ", ".join(row[name] for name in ("model", "layer") if name in row)
        terminal.hint(Text(f"{where}: {row['failed']}"))


def complexity_table(table: pd.DataFrame, names: Sequence[str], width: int) -> Table:
    """A row per layer: the first measure with a bar and its interval, the others with a block each, as far as they fit.

    Args:
        table: what `measure_complexity` returned.
        names: the measures in it.
        width: columns of the terminal.
    """
    first, *others = names
    spare = width - table["layer"].str.len().max() - _GAP - sum(max(_NUMBER, len(name)) + _GAP for name in names)
    barred = spare >= _BAR + _SPARK * len(others)
    ranged = f"{first}_low" in table and spare >= _BAR + _SPARK * len(others) + _INTERVAL
    shown = Table(box=None, padding=(0, 1), header_style="bold")
    shown.add_column("layer", no_wrap=True)
    for name in names:
        shown.add_column(name.replace("_", " "), justify="right")
        if name == first and ranged:
            shown.add_column("95% interval", no_wrap=True)
        if barred:
            shown.add_column("", no_wrap=True)
    top = {name: _largest(table[name]) for name in names}
    for row in table.to_dict("records"):
        cells = [row["layer"], _number(row[first])]
        cells += [f"{_number(row[f'{first}_low'])} to {_number(row[f'{first}_high'])}"] if ranged else []
        cells += [Text(bar(row[first] / top[first] if top[first] else 0), BLUE)] if barred else []
        for name in others:
            cells += [_number(row[name]), *([Text(spark(row[name], top[name]), TEAL)] if barred else [])]
        shown.add_row(*cells)
    return shown


def measured_on(table: pd.DataFrame, settings: ComplexitySettings) -> str:
    """The images, and what a point is."""
    points = int(table["points"].iloc[0])
    coordinates = "a unit's mean over positions" if settings.pool == "mean" else "each unit at each position"
    return f"On {count(points, f'{settings.split} image')}; a coordinate is {coordinates}; Euclidean distance."


def complexity_answer(table: pd.DataFrame, names: Sequence[str]) -> str:
    """How the first measure goes through the layers, in words."""
    name = names[0]
    values = table.set_index("layer")[name].dropna()
    if values.empty:
        return f"{name} has no answer in any layer."
    what = f"{name} ({MEASURES[name].what})"
    if len(values) == 1:
        return f"{what} is {figures(values.iloc[0])} in {values.index[0]}."
    start, end = values.iloc[0], values.iloc[-1]
    way = "falls" if end < start else "rises" if end > start else "stays"
    said = f"From {values.index[0]} to {values.index[-1]} {what} {way} from {figures(start)} to {figures(end)}"
    if way == "falls":
        said += f": {MEASURES[name].meaning} with depth"
    if values.idxmin() != values.index[-1]:
        said += f"; it is least in {values.idxmin()}, {figures(values.min())}"
    return f"{said}."


def show_complexity_plan(
    terminal: Terminal,
    model: keras.Model | None,
    dataset: Dataset,
    layers: Sequence[str] | None,
    settings: ComplexitySettings,
) -> None:
    """Layers with the size of their points, passes, memory, and how the tree is found where there is one."""
    plan = plan_complexity(model, dataset, layers=layers, settings=settings)
    table = new_table(left=("layer",), right=("width", "points", "pass", "activations"))
    table.add_column("tree", no_wrap=True)
    table.add_column("measures", justify="right", no_wrap=True)
    for row in plan.itertuples(index=False):
        group = f"{row.group}" if row.group else "-"
        held = file_size(row.memory) if row.group else "-"
        cells = (row.layer, f"{row.width:,}", f"{row.points:,}", group, held, row.method, file_size(row.measure_memory))
        table.add_row(*cells)
    need = int((plan["memory"] + plan["measure_memory"]).max())
    passes = int(plan["group"].max())
    said = f"{count(passes, 'pass')} over {count(int(plan['points'].iloc[0]), 'image')}, at most {file_size(need)}."
    said = " ".join([said, *beyond_the_limit(plan, settings)])
    terminal.result(
        {"passes": passes, "memory": need, "layers": plan},
        table,
        Text(f"\n{said} Nothing has been done; leave --plan out to do it."),
    )


def note_memory(
    bars: Bars,
    model: keras.Model | None,
    dataset: Dataset,
    layers: Sequence[str] | None,
    settings: ComplexitySettings,
) -> None:
    """Say which layers will take more memory than they may, if any."""
    for line in beyond_the_limit(plan_complexity(model, dataset, layers=layers, settings=settings), settings):
        bars.note(line)


def beyond_the_limit(plan: pd.DataFrame, settings: ComplexitySettings) -> list[str]:
    """A line about the layers that take more memory than they may, if any.

    Args:
        plan: what `plan_complexity` returned.
        settings: how.
    """
    over = plan[~plan["fits"]]
    if over.empty:
        return []
    takes = over[["memory", "measure_memory"]].max(axis=1)
    most = f"{over['layer'][takes.idxmax()]} takes {file_size(int(takes.max()))}"
    layers = f"{len(over)} of {count(len(plan), 'layer')}"
    return [f"The memory limit of {settings.memory_limit:g} GB is not enough for {layers}: {most}."]


def _number(value: float) -> str:
    return decimals(value, 3)


def _largest(values: pd.Series) -> float:
    finite = values[values.abs() < float("inf")]
    return float(finite.max()) if len(finite) else 0.0
