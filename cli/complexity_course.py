"""fm-keras complexity of several networks: runs, files, or the epochs that a training saved."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras.complexity import MEASURES, in_order, measure_course
from fm_keras.errors import Interrupted, InvalidInput
from fm_keras.models import choose_output, read_model
from fm_keras.runs import TRAIN, Run
from fm_keras.settings import ComplexitySettings
from fm_keras_cli.bars import Bars
from fm_keras_cli.complexity import check_images
from fm_keras_cli.complexity_tables import note_memory, show_complexity_plan, show_measured
from fm_keras_cli.header import describe_images
from fm_keras_cli.images import load_images
from fm_keras_cli.measured import data_settings, open_preprocess
from fm_keras_cli.numbers import count, decimals, figures, listed
from fm_keras_cli.pictures import drawing, save_picture
from fm_keras_cli.tables import TEAL, spark
from fm_keras_cli.terminal import Terminal

_CELL = 7


def complexity_course(
    terminal: Terminal,
    models: Sequence[str],
    checkpoints: Path | None,
    runs_dir: Path,
    how: dict[str, Any],
    plot: Path | None,
    *,
    plan: bool,
) -> None:
    """Measure several networks on the same images and show them side by side.

    Args:
        terminal: where to.
        models: .keras files and runs.
        checkpoints: folder of .keras files instead.
        runs_dir: where runs lie.
        how: layers (None for all), output and preprocess as the options name them, settings, and modules to import
            before a file is read.
        plot: picture to write, if any.
        plan: say what would be done.
    """
    sys.path.insert(0, "")  # modules of the user's lie in the current folder
    files, run = find_networks(models, checkpoints, runs_dir)
    dataset = load_images(data_settings(run), terminal)
    terminal.hint(describe_images(dataset), f"{count(len(files), 'network')}: {listed(list(files))}", "")
    first = read_model(next(iter(files.values())), modules=how["modules"])
    first = first if how["output"] is None else choose_output(first, how["output"])
    if plan:
        terminal.hint("Of each network as of the first:")
        return show_complexity_plan(terminal, first, dataset, how["layers"], how["settings"])
    draw = None if plot is None else drawing("plots", "complexity_course")
    try:
        with Bars(terminal) as bars:
            note_memory(bars, first, dataset, how["layers"], how["settings"])
            how |= {"preprocess": open_preprocess(how["preprocess"])}
            table = measure_course(files, dataset, **how, progress=bars)
    except KeyboardInterrupt:
        raise Interrupted("Stopped before all networks were measured; nothing of it is kept.") from None
    show_course(terminal, table, how["settings"])
    if draw:
        by_epoch = table["epoch"].nunique() > 1
        draw = draw if by_epoch else drawing("plots", "complexity_curves")
        save_picture(terminal, draw(table, dataset.name), plot)


def find_networks(models: Sequence[str], checkpoints: Path | None, root: Path) -> tuple[dict[str, Path], Run | None]:
    """Files of the networks by name, and the first run among them.

    Raises:
        InvalidInput: a folder without networks, or two networks of one name.
        click.UsageError: files alone, and no images are named.
    """
    if checkpoints:
        models = [str(file) for file in sorted(checkpoints.glob("*.keras"))]
        if not models:
            raise InvalidInput(f"{checkpoints} holds no .keras files. keras.callbacks.ModelCheckpoint writes some.")
    runs = {model: Run.open(model, root) for model in models if not (model.endswith(".keras") or Path(model).is_file())}
    if not runs:
        check_images(models[0])
    names = {path: name for name, path in in_order(model for model in models if model not in runs).items()}
    files = {run.name: run.read_stage(TRAIN).model for run in runs.values()} | {names[path]: path for path in names}
    if len(files) < len(models):
        raise InvalidInput(f"Each network is named once; received {', '.join(models)}.")
    return files, next(iter(runs.values()), None)


def show_course(terminal: Terminal, table: pd.DataFrame, settings: ComplexitySettings) -> None:
    """The first measure, a row a layer and a column a network, and what came out in words."""
    name = next(name for name in MEASURES if name in table)
    said = course_answer(table, name)
    show_measured(terminal, table, settings, course_table(table, name, terminal.out.width), said)


def course_table(table: pd.DataFrame, name: str, width: int) -> Table:
    """A measure by layer and network: a block for each network, and as many figures as fit, first and last among them.

    Args:
        table: what `measure_course` returned.
        name: the measure.
        width: columns of the terminal.
    """
    values = table.pivot(index="layer", columns="model", values=name)
    values = values.loc[table["layer"].unique(), table["model"].unique()]
    heads = dict(zip(table["model"], _heads(table)))
    cell = max(_CELL, *(len(heads[model]) + 2 for model in values))
    room = width - values.index.str.len().max() - 2 - len(values.columns) - 2
    shown = Table(box=None, padding=(0, 1), header_style="bold")
    shown.add_column("layer", no_wrap=True)
    chosen = _evenly(list(values), max(2, room // cell))
    for model in chosen:
        shown.add_column(heads[model], justify="right", no_wrap=True)
    shown.add_column(name, no_wrap=True)
    finite = values[values.abs() < float("inf")]
    for layer, row in values.iterrows():
        blocks = "".join(spark(value, finite.max(axis=None)) or " " for value in row)
        shown.add_row(layer, *(decimals(row[model], 3) for model in chosen), Text(blocks, TEAL))
    return shown


def course_answer(table: pd.DataFrame, name: str) -> str:
    """The last layer of the first and of the last network, in words; of networks that are no epochs, of each."""
    last = table.groupby("model", sort=False).tail(1).set_index("model")
    what = f"{name} ({MEASURES[name].what})"
    if last["epoch"].isna().any():
        values = [f"{figures(row[name])} in {row['layer']} of {model}" for model, row in last.iterrows()]
        return f"{what} of the last layer: {listed(values)}."
    start, end = last.iloc[0], last.iloc[-1]
    way = "falls" if end[name] < start[name] else "rises" if end[name] > start[name] else "stays"
    course = (
        f"from {figures(start[name])} in epoch {start['epoch']:g} to {figures(end[name])} in epoch {end['epoch']:g}"
    )
    return f"After {end['layer']} {what} {way} {course}."


def _heads(table: pd.DataFrame) -> list[str]:
    """What stands above the column of each row's network."""
    if table["epoch"].isna().any():
        return list(table["model"])
    return [f"ep. {epoch:g}" for epoch in table["epoch"]]


def _evenly(names: list[str], most: int) -> list[str]:
    """At most so many of the names, the first and the last among them."""
    if len(names) <= most:
        return names
    return [names[round(place * (len(names) - 1) / (most - 1))] for place in range(most)]
