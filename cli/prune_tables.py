"""What pruning looks like on a terminal: a plan, what came of it, the rules."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras_cli.numbers import amount, count, decimals, duration, figures, file_size
from fm_keras_cli.report import show_saved
from fm_keras_cli.tables import new_table
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.pruning import ConnectionMasks, Pruning, PruningPlan
    from fm_keras_cli.prune_stage import Asked

_UNITS = {"parameters": amount, "nonzero parameters": amount, "MACs": amount, "file size": file_size}


def show_rules(terminal: Terminal) -> None:
    """The rules: what each goes by, what it needs, its source."""
    from fm_keras.pruning import describe_all_rules

    rules = describe_all_rules()
    table = new_table(left=("rule", "what stays", "needs", "source"))
    for row in rules.itertuples(index=False):
        table.add_row(*map(str, row))
    terminal.result({"rules": rules}, table)


def show_plan(
    terminal: Terminal, asked: Asked, plan: PruningPlan | ConnectionMasks, times: dict[str, float], to: Path | None
) -> None:
    """What would go, layer by layer, what that would save, and about how long all would take.

    Args:
        terminal: where to.
        asked: the network and how it shall be pruned.
        plan: of units, or masks.
        times: about how many seconds each part takes.
        to: folder to keep the plan in, if any.
    """
    from fm_keras.pruning import PruningPlan

    if to:
        plan.save(to)
    show = _show_units if isinstance(plan, PruningPlan) else _show_connections
    show(terminal, asked, plan, times)
    if to:
        terminal.hint(
            f"The plan is in {to}; edit it if you like. Next:",
            Text(f"  fm-keras prune {asked.words} --apply {shlex.quote(str(to))}", overflow="fold"),
        )


def _show_units(terminal: Terminal, asked: Asked, plan: PruningPlan, times: dict[str, float]) -> None:
    from fm_keras.pruning import plan_table

    found = plan_table(asked.model, plan, asked.rule_in_words)
    table = new_table(left=("layer",), right=("filters", "kept", "MACs now -> then"))
    table.add_column("why these", overflow="fold")
    for row in found.itertuples(index=False):
        table.add_row(row.layer, f"{row.units:,}", f"{row.kept:,}", _now_then(row.macs, row.macs_kept), row.why)
    filters = found[found["layer"].isin(plan.masks) & (found["macs"].isna() | (found["macs"] > 0))]
    said = f"In all: {filters['units'].sum():,} -> {filters['kept'].sum():,} filters"
    if found["macs"].sum():
        said += f", MACs {found['macs_kept'].sum() / found['macs'].sum():.0%}"
    said += "."
    terminal.hint("")
    terminal.result({"answer": said, "layers": found, **_times(times)}, table, Text(f"\n{said}\n{_closing(times)}"))


def _show_connections(terminal: Terminal, asked: Asked, masks: ConnectionMasks, times: dict[str, float]) -> None:
    dilution = masks.dilution()
    table = new_table(left=("layer",), right=("connections", "kept", "dilution"))
    for row in dilution.itertuples(index=False):
        table.add_row(row.layer, f"{row.connections:,}", f"{row.kept:,}", f"{row.dilution:.1%}")
    said = f"In all {masks.total_dilution:.1%} of the connections would be cut ({masks.origin})."
    terminal.hint("")
    document = {"answer": said, "layers": dilution, "whole": dict(masks.whole), **_times(times)}
    terminal.result(document, table, Text(f"\n{said}\n{_closing(times)}"))


def _times(times: dict[str, float]) -> dict[str, Any]:
    return {"stages": times, "seconds": sum(times.values())}


def _closing(times: dict[str, float]) -> str:
    """How long all takes, what that goes by, and how to do it."""
    parts = ", ".join(f"{part} {duration(seconds)}" for part, seconds in times.items() if seconds)
    said = f"It takes about {duration(sum(times.values()))}, going by this choice and a few timed steps: {parts}."
    return f"{said} Nothing has been changed; leave --plan out to do it."


def show_pruning(terminal: Terminal, asked: Asked, pruning: Pruning, path: Path) -> None:
    """Accuracy after every step, what was saved, where it lies, and what to do next.

    Args:
        terminal: where to.
        asked: the network and how it was pruned.
        pruning: what came out.
        path: where it lies.
    """
    said = " ".join([pruning_answer(pruning), *_remarks(asked, pruning)])
    terminal.hint("")
    terminal.result(
        {
            "path": str(path),
            "answer": said,
            "steps": pruning.steps,
            "savings": pruning.savings,
            "layers": pruning.plan.table(),
            "effect": pruning.effect,
            "dilution": pruning.masks.dilution() if pruning.masks else None,
        },
        steps_table(pruning.steps),
        Text(""),
        savings_table(pruning.savings),
        Text(f"\n{said}"),
    )
    model, analysis = (shlex.quote(str(path / name)) for name in ("model.keras", "analysis"))
    next_commands = {
        f"fm-keras analyze {model} {asked.image_words} --to {analysis}": "what its filters do now",
        f"fm-keras export {model} --analysis {analysis}": "then serve it",
        f"fm-keras prune {model} {asked.image_words} --keep 0.75": "prune it again",
    }
    show_saved(terminal, path, next_commands)


def steps_table(steps: pd.DataFrame) -> Table:
    """One row a step: accuracy and loss on test images, time."""
    table = new_table(left=("step",), right=("accuracy", "loss", "time"))
    for row in steps.itertuples(index=False):
        table.add_row(row.step, decimals(row.accuracy, 3), decimals(row.loss, 3), duration(row.seconds))
    return table


def savings_table(savings: pd.DataFrame) -> Table:
    """One row a measure: whole, pruned, ratio."""
    table = new_table(left=("measure",), right=("whole", "pruned", "ratio"))
    for row in savings.itertuples(index=False):
        write = _UNITS.get(row.measure, _milliseconds)
        table.add_row(_measure_name(row.measure), write(row.whole), write(row.pruned), decimals(row.ratio, 3))
    return table


def pruning_answer(pruning: Pruning) -> str:
    """What came out, in words."""
    whole, left = pruning.steps["accuracy"].iloc[[0, -1]]
    table = pruning.plan.table()
    said = ""
    if pruning.masks is not None:
        said = f"{pruning.masks.total_dilution:.1%} of the connections are cut; what nothing reads then is removed. "
    said += (
        f"{table['kept'].sum():,} of {count(int(table['units'].sum()), 'unit')} are left. The pruned network "
        f"recognizes {left:.1%} of the test images, the whole one {whole:.1%}. It takes {_percent(pruning, 'MACs')} of "
        f"the MACs, {_percent(pruning, 'parameters')} of the parameters, {_percent(pruning, 'latency 1')} of the time "
        f"for one image and {_percent(pruning, 'latency 64')} for 64."
    )
    return said


def _remarks(asked: Asked, pruning: Pruning) -> Iterator[str]:
    """Where something else came out than was asked for."""
    wanted = None if asked.applied else asked.settings.latency
    if wanted is not None and pruning.ratio("latency 1") > wanted:
        yield (
            f"Measured again, that is more than the {wanted:.0%} of the time that were asked for: ask for less, or "
            "measure on a quieter machine."
        )
    if pruning.masks is not None and asked.settings.repair in ("refit", "together"):
        yield f"Kernels with zeros are not refitted: --repair {asked.settings.repair} took BatchNorm statistics again."


def _percent(pruning: Pruning, measure: str) -> str:
    ratio = pruning.ratio(measure)
    return "?" if math.isnan(ratio) else f"{ratio:.0%}"


def _measure_name(measure: str) -> str:
    size = measure.removeprefix("latency ")
    return measure if size == measure else f"latency, {count(int(size), 'image')}"


def _milliseconds(seconds: float) -> str:
    return f"{figures(1000 * seconds)} ms"


def _now_then(now: int | None, then: int | None) -> str:
    return "" if pd.isna(now) else f"{amount(now)} -> {amount(then)}"
