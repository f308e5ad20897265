"""fm-keras widths: how far a network is from the conservation law, and its widths by the law for a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras.runs import Run
from fm_keras.settings import ModelSpec
from fm_keras_cli.command import Command, import_option, reporting, runs_dir_option
from fm_keras_cli.options import given, settings_options
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import keras

_UNITS = {"%": 0.01, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Budget(click.ParamType):
    """A number such as 20M, or a share of what the network has such as 50% or 0.5."""

    name = "X"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, bool]:
        """The number, and whether it is a share."""
        text = value.strip().replace(",", "")
        unit = _UNITS.get(text[-1:])
        try:
            number = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            self.fail(f"{value!r} is neither a number such as 20M nor a share such as 50%.", param, ctx)
        return number, text.endswith("%") or number <= 1


@click.command(cls=Command)
@click.argument("model", default="latest")
@click.option("--macs", type=Budget(), help="propose widths with at most so many MACs: 20M, or a share such as 50%")
@click.option("--params", type=Budget(), help="propose widths with at most so many parameters: 300k, or a share")
@settings_options(ModelSpec, without=("name",))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="draw it, too: .png, .svg or .pdf",
)
@import_option
@runs_dir_option
@reporting
def widths(
    *,
    terminal: Terminal,
    model: str,
    macs: tuple[float, bool] | None,
    params: tuple[float, bool] | None,
    output: Path | None,
    modules: tuple[str, ...],
    runs_dir: Path,
) -> None:
    """Say how far MODEL is from the conservation law, and which widths keep it.

    MODEL is a run, a .keras file, or a network of `fm-keras models`, whose settings are options here and which is
    taken for 32 x 32 color images.  The law: the root of a map's size times the filters is the same in all
    convolutions.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.widths_tables import draw_widths, show_widths

    if macs and params:
        raise click.UsageError("Give one budget: --macs or --params.")
    load_backend(terminal)
    from fm_keras.models import build_model, count_operations
    from fm_keras.scaling import conservation_table, conserve

    spec, run = _spec(model, runs_dir)
    network = build_model(spec) if spec else _read(model, runs_dir, modules)
    table = conservation_table(network)
    totals = {"macs": sum(count_operations(network).values()), "parameters": network.count_params()}
    budgets = {name: asked for name, asked in zip(totals, (macs, params)) if asked}
    limits = {name: int(number * totals[name] if share else number) for name, (number, share) in budgets.items()}
    proposal = conserve(spec or network, **limits) if limits else None
    show_widths(terminal, model if run is None else run.name, table, totals, proposal, run)
    if output:
        draw_widths(terminal, table, proposal, network.name, output)


def _spec(model: str, root: Path) -> tuple[ModelSpec | None, Run | None]:
    """What makes the network, and its run; no spec for a network from elsewhere."""
    from fm_keras.models import full_spec, model_names

    if model in model_names() and not (root / model).exists():
        return full_spec(ModelSpec(name=model, **given(ModelSpec))), None
    if options := given(ModelSpec):
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise InvalidInput(f"{flags}: goes with a network of `fm-keras models`; {model} has its own.")
    if Path(model).suffix == ".keras" or Path(model).is_file():
        return None, None
    run = Run.open(model, root)
    return (ModelSpec(**run.record.settings["model"]) if run.record.trains else None), run


def _read(model: str, root: Path, modules: tuple[str, ...]) -> keras.Model:
    from fm_keras_cli.measured import open_model

    return open_model(model, root, modules)[0]
