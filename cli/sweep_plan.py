"""fm-keras sweep --plan: the trials, what they cost, and about how long they take.  Nothing is written."""

from __future__ import annotations

from contextlib import nullcontext

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras.scaling import varying_axes
from fm_keras.scaling.sweeping.local import list_gpus, list_places, own_cores
from fm_keras.settings import ModelSpec
from fm_keras_cli.images import load_images
from fm_keras_cli.numbers import amount, count, duration
from fm_keras_cli.plan import training_row
from fm_keras_cli.sweep_stage import AskedSweep
from fm_keras_cli.sweep_tables import Column, axis_columns, fitting_table
from fm_keras_cli.sweep_times import expected_seconds, work_of
from fm_keras_cli.terminal import Terminal
from fm_keras_cli.train_stage import Training

_DONE = ("done", "imported")


def show_sweep_plan(terminal: Terminal, asked: AskedSweep, startup: float) -> None:
    """Designs with their trials, cost and rough time, from finished trials or from a few timed steps.

    Args:
        terminal: where to.
        asked: the sweep.
        startup: seconds that a process takes until it can train.
    """
    to_do = asked.plan[~asked.plan["status"].isin(_DONE) & (asked.plan["reason"] == "")]
    known, how = _known_seconds(terminal, asked, startup)
    rows = asked.plan.assign(seconds=asked.plan["trial"].map(expected_seconds(work_of(asked.plan), known) or {}))
    before = int(rows["status"].isin(_DONE).sum())
    said = f"{count(len(rows), 'trial')}, {asked.to_do}."
    said += f" {before} {'is' if before == 1 else 'are'} done before." if before else ""
    said += "".join(f" {line}." for line in asked.unbuilt)
    workers, total = _workers(asked), None
    if known:
        total = float(rows.loc[to_do.index, "seconds"].sum()) / min(workers, max(1, len(to_do)))
        said += f" In all about {duration(total)}, {workers} at a time, going by {how}."
    said += " Nothing has been done; leave --plan out to do it."
    document = {"path": str(asked.to), "trials": rows, "seconds": total, "workers": workers}
    terminal.result(document, _design_table(rows, terminal.out.width), Text(f"\n{said}"))


def _known_seconds(terminal: Terminal, asked: AskedSweep, startup: float) -> tuple[dict[str, float], str]:
    """What some trials take, and how that is known: finished ones, or else a few timed steps."""
    known = {name: startup + seconds for name, seconds in asked.seconds().items()}
    if known or asked.build is not None:
        return known, "the trials that are finished"
    shown = terminal.err.is_terminal and not terminal.quiet
    with terminal.err.status("timing a few steps ...") if shown else nullcontext():
        return _timed(terminal, asked, startup), "a few timed steps"


def _workers(asked: AskedSweep) -> int:
    """Trials at the same time; with Ray as many as were asked for, since the cluster is not known yet."""
    if asked.settings.engine == "ray":
        return asked.settings.workers or 1
    return len(list_places(asked.settings.workers, asked.settings.cores, own_cores(), list_gpus()))


def _timed(terminal: Terminal, asked: AskedSweep, startup: float) -> dict[str, float]:
    """Seconds of the cheapest and the dearest trial, from a few steps of each."""
    from fm_keras.models import suited_spec

    dataset, found = load_images(asked.data, terminal), {}
    order = asked.plan.sort_values("training_macs")
    for row in order.iloc[[0, -1]].drop_duplicates("trial").itertuples(index=False):
        own = {"depth_ratio": _known(row.ratio), "batch_norm": _known(row.batch_norm)}
        spec = ModelSpec(name=row.model, width=row.width, image_shape=dataset.image_shape, labels=dataset.labels, **own)
        spec = suited_spec(spec, preset=asked.train.preset, train_images=len(dataset.train))
        seconds = training_row(Training(asked.data, dataset, spec, asked.train))["seconds"]
        found[row.trial] = startup + seconds * row.samples / len(dataset.train)
    return found


def _known(value: object) -> object:
    return None if pd.isna(value) else value


def _design_table(rows: pd.DataFrame, width: int) -> Table:
    """A row a design: its cost, its seeds, how many are done, and about how long each takes."""
    keys = [*varying_axes(rows), "width"]
    named = {name: (name, "first") for name in ("macs", "parameters", "seconds")}
    done = ("status", lambda status: status.isin(_DONE).sum())
    designs = rows.groupby(keys, dropna=False, sort=False).agg(seeds=("seed", "size"), done=done, **named).reset_index()
    columns = [
        *axis_columns(designs),
        Column("MACs", _amounts(designs["macs"])),
        Column("parameters", _amounts(designs["parameters"]), 1),
        Column("seeds", designs["seeds"].astype(str).to_list()),
        Column("done", designs["done"].astype(str).to_list()),
        Column("each", ["-" if pd.isna(value) else duration(value) for value in designs["seconds"]]),
    ]
    return fitting_table(columns, width)


def _amounts(values: pd.Series) -> list[str]:
    """Counts as cells; - for what cannot be known."""
    return ["-" if pd.isna(value) else amount(value) for value in values]
