"""fm-keras layers: where a model can be cut."""

from __future__ import annotations

from pathlib import Path

import click

from fm_keras_cli.command import Command, import_option, output_option, reporting, runs_dir_option
from fm_keras_cli.numbers import amount, count
from fm_keras_cli.terminal import Terminal


@click.command(cls=Command)
@click.argument("model")
@output_option
@import_option
@runs_dir_option
@reporting
def layers(*, terminal: Terminal, model: str, output: str | None, modules: tuple[str, ...], runs_dir: Path) -> None:
    """List where MODEL can be cut: a .keras file, or a run."""
    import pandas as pd

    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.measured import open_model
    from fm_keras_cli.tables import new_table

    load_backend(terminal)
    from fm_keras.slicing import cut_points

    network, _ = open_model(model, runs_dir, modules, output=output)
    cuts = cut_points(network)
    columns = ("layer", "kind", "units", "map", "macs", "after")
    rows = pd.DataFrame([{column: getattr(cut, column) for column in columns} for cut in cuts])
    table = new_table(left=("layer", "kind"), right=("units", "map", "MACs up to there"))
    for cut in cuts:
        table.add_row(cut.layer, cut.kind, f"{cut.units:,}", cut.map, "-" if cut.macs is None else amount(cut.macs))
    terminal.result({"model": network.name, "layers": rows}, table)
    units = count(int(rows["units"].sum()), "unit")
    terminal.hint(f"\n{network.name} can be cut at {count(len(cuts), 'layer')} with {units} in all.")
