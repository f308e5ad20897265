"""fm-keras prune: a smaller, faster, ordinary Keras model, and what that cost."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fm_keras.errors import InvalidInput
from fm_keras.settings import AnalysisSettings, DataSettings, PruneSettings
from fm_keras_cli.command import Command, import_option, preprocess_option, reporting, runs_dir_option
from fm_keras_cli.options import Names, given, settings_options
from fm_keras_cli.terminal import Terminal

_TARGETS = ("keep", "macs", "params", "latency", "dilution")
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("model", default="latest")
@settings_options(
    DataSettings,
    PruneSettings,
    AnalysisSettings,
    without=("fields", "threshold", "method", "split", "engine", "max_positions", "devices"),
)
@click.option("--layers", type=Names(), help="only these layers lose filters, as `fm-keras layers` names them")
@click.option(
    "--apply",
    "applied",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="apply a plan or masks that were saved there, perhaps edited, instead of a rule",
)
@click.option("--sweep", is_flag=True, help="try all rules, or those of --rule A,B, at many shares, and draw them")
@click.option("--keeps", type=Names(), help="--sweep: shares of the filters that stay (default: 0.9 to 0.25)")
@click.option("--rules", is_flag=True, help="list the rules: what each goes by, what it needs, its source")
@click.option("--name", help="name of the result inside the run (default: rule and target, as taylor_squared-keep-0.5)")
@click.option("--to", type=_FOLDER, metavar="FOLDER", help="write to this folder instead (--plan: write the plan)")
@click.option("--plan", is_flag=True, help="say what would go, why, and what that saves; change nothing")
@preprocess_option
@import_option
@runs_dir_option
@reporting
def prune(
    *,
    terminal: Terminal,
    model: str,
    layers: tuple[str, ...] | None,
    applied: Path | None,
    sweep: bool,
    keeps: tuple[str, ...] | None,
    rules: bool,
    name: str | None,
    to: Path | None,
    preprocess: str | None,
    modules: tuple[str, ...],
    runs_dir: Path,
    plan: bool,
) -> None:
    """Make MODEL smaller and faster: a .keras file, or the network of a run.

    Filters are chosen by a rule, cut out, the rest is repaired without labels and fine-tuned.  The result is a plain
    Keras model, kept in the run as prune/NAME, for a file in a folder beside it.  --plan says what would go.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.header import describe_images, describe_model
    from fm_keras_cli.images import load_images
    from fm_keras_cli.measured import data_settings, open_model
    from fm_keras_cli.plan import plan_fetching
    from fm_keras_cli.prune_stage import Asked
    from fm_keras_cli.prune_sweep import show_sweep
    from fm_keras_cli.prune_tables import show_plan, show_pruning, show_rules

    if rules:
        load_backend(terminal)
        return show_rules(terminal)
    _check_options(model, applied, sweep, plan, layers, to)
    shares = _shares(keeps, sweep)
    if plan and plan_fetching(terminal):
        return
    load_backend(terminal)
    from fm_keras.pruning.accuracy import check_one_output
    from fm_keras.training import check_fits
    from fm_keras_cli.prune_times import expected_times

    network, run = open_model(model, runs_dir, modules)
    check_one_output(network)
    images = data_settings(run)
    dataset = load_images(images, terminal)
    terminal.hint(describe_images(dataset), describe_model(network), "")
    asked = Asked(
        model=network,
        given_as=model,
        run=run,
        images=images,
        dataset=dataset,
        settings=PruneSettings(**given(PruneSettings)),
        measuring=AnalysisSettings(**given(AnalysisSettings)),
        layers=layers,
        applied=applied,
        name=name,
        to=to,
        preprocess=preprocess,
        sweep=sweep,
    )
    check_fits(network, dataset, asked.prepare)
    if sweep:
        return show_sweep(terminal, asked, all_rules="rule" not in given(PruneSettings), keeps=shares)
    if plan:
        began = time.perf_counter()
        chosen = asked.choose(terminal)
        times = expected_times(terminal, asked, chosen, time.perf_counter() - began)
        return show_plan(terminal, asked, chosen, times, to)
    return show_pruning(terminal, asked, *asked.prune(terminal))


def _check_options(
    model: str, applied: Path | None, sweep: bool, plan: bool, layers: tuple[str, ...] | None, to: Path | None
) -> None:
    if model.endswith(".keras") and "dataset" not in given(DataSettings):
        raise click.UsageError("Say with which images MODEL is pruned: --dataset.  `fm-keras datasets` lists them.")
    if plan and sweep:
        raise click.UsageError("--plan and --sweep do not go together.")
    targets = [f"--{name}" for name in given(PruneSettings) if name in _TARGETS]
    if sweep and targets:
        raise click.UsageError(f"--sweep tries the shares of --keeps: leave out {', '.join(targets)}.")
    chosen = [f"--{name}" for name in given(PruneSettings) if name in ("rule", "across")] + targets
    chosen += ["--layers"] * (layers is not None) + ["--sweep"] * sweep
    if applied and chosen:
        raise click.UsageError(f"--apply says itself what goes: leave out {', '.join(chosen)}.")
    if plan and to is not None and to.exists() and any(to.iterdir()):
        raise click.UsageError(f"{to} holds something already, such as a plan that was edited: name another folder.")


def _shares(keeps: tuple[str, ...] | None, sweep: bool) -> list[float] | None:
    """The shares of --keeps."""
    if keeps is None:
        return None
    if not sweep:
        raise click.UsageError("--keeps goes with --sweep; for one share use --keep.")
    try:
        return list(dict.fromkeys(PruneSettings(keep=share).keep for share in keeps))
    except InvalidInput as error:
        raise click.UsageError(f"--keeps takes shares between 0 and 1, such as 0.75,0.5. {error}") from None
