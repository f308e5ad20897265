"""What `fm-keras widths` shows: the table of the law, the answer in words, the command that trains the proposal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from fm_keras_cli.command import same_command
from fm_keras_cli.numbers import amount, figures, file_size
from fm_keras_cli.tables import new_table
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from fm_keras.runs import Run
    from fm_keras.scaling import Proposal
    from fm_keras.settings import ModelSpec

_KEPT = 0.005
"""a network this near to the law keeps it"""


def show_widths(
    terminal: Terminal,
    name: str,
    table: pd.DataFrame,
    totals: Mapping[str, int],
    proposal: Proposal | None,
    run: Run | None,
) -> None:
    """Every convolution against the law, beside it the proposal if there is one, and both in words.

    Args:
        terminal: where to.
        name: of the run or network.
        table: what `conservation_table` returns.
        totals: macs and parameters of the network as it is.
        proposal: widths by the law.
        run: whose images the proposal would be trained on.
    """
    from fm_keras.scaling import law_deviation

    found = {"model": name, **totals, "deviation": law_deviation(table), "layers": table}
    words = [_how_it_is(name, table)]
    if proposal:
        command = train_command(proposal.spec, run) if proposal.spec else None
        counted = {"macs": proposal.macs, "parameters": proposal.parameters, "deviation": proposal.deviation}
        found["proposal"] = {**counted, "command": command, "layers": proposal.table}
        words.append(_what_it_takes(totals, proposal))
        following = ["Train it:", f"  {command}"] if command else []
    else:
        following = ["The same cost by the law:", f"  {same_command('widths')} --macs 100%"]
    terminal.result(found, _law_table(table, proposal), Text("\n" + "\n".join(words)))
    terminal.hint(*(Text(line, overflow="fold") for line in following))


def train_command(spec: ModelSpec, run: Run | None) -> str:
    """The command that trains a network of this spec, on the images of a run if there is one."""
    from fm_keras.models import full_spec
    from fm_keras.settings import ModelSpec

    free = ("width", "depth_ratio") if spec.depth_ratio else ("block_widths",)
    asked = {"name": spec.name, **{name: getattr(spec, name) for name in free}}
    usual = full_spec(ModelSpec(**asked))
    others = ("batch_norm", "head", "pool_order", "dense_widths")
    asked |= {name: getattr(spec, name) for name in others if getattr(spec, name) != getattr(usual, name)}
    images = {"dataset": run.record.settings["data"]["dataset"]} if run else {}
    return shlex.join(
        ["fm-keras", "run", *(word for name, value in (images | asked).items() for word in _option(name, value))]
    )


def _option(name: str, value: Any) -> list[str]:
    """The words of one setting on the command line."""
    flag = "model" if name == "name" else name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{flag}"]
    if name == "dense_widths":
        return [f"--{flag}", *map(str, value)]
    if isinstance(value, tuple):
        return [f"--{flag}", ",".join(map(str, value))]
    return [f"--{flag}", f"{value:.6g}" if isinstance(value, float) else str(value)]


def _law_table(table: pd.DataFrame, proposal: Proposal | None) -> Table:
    proposed = ("by the law", "product", "deviation") if proposal else ()
    shown = new_table(left=("layer",), right=("size", "filters", "product", "deviation", *proposed))
    rows = proposal.table.itertuples(index=False) if proposal else [None] * len(table)
    for now, then in zip(table.itertuples(index=False), rows):
        cells = [now.layer, now.size, f"{now.filters:,}", *_law_cells(now)]
        shown.add_row(*cells, *([f"{then.filters:,}", *_law_cells(then)] if proposal else []))
    return shown


def _law_cells(row: Any) -> tuple[str, str]:
    return _number(row.product), _share(row.deviation)


def _number(product: float) -> str:
    return figures(product) if product < 1000 else f"{product:,.0f}"


def _how_it_is(name: str, table: pd.DataFrame) -> str:
    from fm_keras.scaling import law_deviation

    constant, off = table["product"].median(), law_deviation(table)
    product = "product: root of the map's size times filters"
    if off < _KEPT:
        return f"{name} keeps the law: {_number(constant)} in every convolution ({product})."
    far = table.loc[table["deviation"].abs().idxmax()]
    return (
        f"{name} is {off:.1%} off the law (root mean square), {far['layer']} most: {_share(far['deviation'])} "
        f"from {_number(constant)}, the median of its layers ({product})."
    )


def _what_it_takes(totals: Mapping[str, int], proposal: Proposal) -> str:
    return (
        f"By the law: MACs {amount(totals['macs'])} -> {amount(proposal.macs)}, parameters "
        f"{amount(totals['parameters'])} -> {amount(proposal.parameters)}; {proposal.deviation:.1%} off it."
    )


def _share(deviation: float) -> str:
    return "0%" if abs(deviation) < 5e-4 else f"{deviation:+.1%}"


def draw_widths(terminal: Terminal, table: pd.DataFrame, proposal: Proposal | None, name: str, path: Path) -> None:
    """The law as a picture."""
    try:
        from fm_keras.reports import plots
    except ModuleNotFoundError as missing:
        needed = missing.name.partition(".")[0]
        raise click.ClickException(
            f'-o needs {needed}, which is not installed: pip install "fm-keras[report]"'
        ) from None
    plots.save(plots.width_law(table, name, proposed=proposal.table if proposal else None), path)
    terminal.hint(Text(f"Picture: {path} ({file_size(path.stat().st_size)})", overflow="fold"))
