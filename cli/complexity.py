"""fm-keras complexity: how hard the classes are to tell apart after each layer, or in the images alone."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import Interrupted
from fm_keras.runs import COMPLEXITY, Run
from fm_keras.settings import ComplexitySettings, DataSettings
from fm_keras_cli.command import (
    Command,
    import_option,
    output_option,
    plan_option,
    preprocess_option,
    reporting,
    runs_dir_option,
)
from fm_keras_cli.numbers import listed
from fm_keras_cli.options import Names, given, settings_options
from fm_keras_cli.pictures import drawing, plot_option, save_picture
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from fm_keras.data import Dataset


@click.command(cls=Command)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@settings_options(DataSettings, ComplexitySettings)
@click.option("--layers", type=Names(), help="only these layers, as `fm-keras layers` names them; input: the images")
@click.option("--raw", is_flag=True, help="the images alone, without a network")
@click.option(
    "--checkpoints",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="all .keras files of a folder, in the order of their epochs",
)
@output_option
@preprocess_option
@plot_option
@import_option
@runs_dir_option
@plan_option
@reporting
def complexity(
    *,
    terminal: Terminal,
    models: tuple[str, ...],
    layers: tuple[str, ...] | None,
    raw: bool,
    checkpoints: Path | None,
    output: str | None,
    preprocess: str | None,
    plot: Path | None,
    modules: tuple[str, ...],
    runs_dir: Path,
    plan: bool,
) -> None:
    """Say how hard the classes are to tell apart after each layer of MODEL.

    MODEL is a .keras file, or the network of a run (default: latest), which is measured on its own images unless
    others are named and keeps the table of all its layers.  Several are measured on the same images and shown side by
    side; --checkpoints shows the course of a training that saved its epochs.  --raw looks at the images alone.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.complexity_tables import show_complexity, show_complexity_plan
    from fm_keras_cli.header import describe_images, describe_model
    from fm_keras_cli.images import load_images
    from fm_keras_cli.measured import data_settings, open_model
    from fm_keras_cli.plan import plan_fetching

    of_networks = {
        "MODEL": models,
        "--layers": layers,
        "--checkpoints": checkpoints,
        "--output": output,
        "--preprocess": preprocess,
    }
    needless = [name for name, value in of_networks.items() if value]
    if raw and needless:
        raise click.UsageError(f"--raw looks at the images alone: leave {listed(needless)} out.")
    if checkpoints and models:
        raise click.UsageError("Name models or --checkpoints, not both.")
    settings = ComplexitySettings(**given(ComplexitySettings))
    draw = None if plot is None else drawing("plots", "complexity_curves")
    if plan and plan_fetching(terminal):
        return
    load_backend(terminal)
    if checkpoints or len(models) > 1:
        from fm_keras_cli.complexity_course import complexity_course

        how = {"layers": layers, "output": output, "preprocess": preprocess, "settings": settings, "modules": modules}
        return complexity_course(terminal, models, checkpoints, runs_dir, how, plot, plan=plan)
    model = models[0] if models else "latest"
    check_images(model)
    network, run = (None, None) if raw else open_model(model, runs_dir, modules, output=output)
    dataset = load_images(data_settings(run), terminal)
    terminal.hint(describe_images(dataset), *([] if raw else [describe_model(network)]), "")
    if plan:
        return show_complexity_plan(terminal, network, dataset, layers, settings)
    keep = run is not None and layers is None and run.record.data.hash == dataset.content_hash
    table = _measure(terminal, network, dataset, layers, preprocess, settings, run if keep else None)
    show_complexity(terminal, table, settings, run.path / COMPLEXITY if keep else None)
    if draw:
        save_picture(terminal, draw(table, dataset.name), plot)


def check_images(model: str) -> None:
    """Raise UsageError unless it is known on which images a model is measured."""
    if model.endswith(".keras") and "dataset" not in given(DataSettings):
        raise click.UsageError("Say on which images MODEL is measured: --dataset.  `fm-keras datasets` lists them.")


def _measure(
    terminal: Terminal,
    network: keras.Model | None,
    dataset: Dataset,
    layers: tuple[str, ...] | None,
    preprocess: str | None,
    settings: ComplexitySettings,
    run: Run | None,
) -> pd.DataFrame:
    """One row per layer; kept in a run, and from there if it was measured before."""
    import pandas as pd

    from fm_keras.complexity import measure_complexity
    from fm_keras.hashes import model_hash
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.complexity_tables import note_memory
    from fm_keras_cli.measured import open_preprocess

    if run:
        inputs = {"data": dataset.content_hash, "model": model_hash(network)}
        made_from = {"complexity": settings}, inputs | ({"preprocess": preprocess} if preprocess else {})
    with run.lock() if run else nullcontext(), Bars(terminal) as bars:
        if run and run.is_current(COMPLEXITY, *made_from):
            bars.note("complexity  as before")
            return pd.read_csv(run.read_stage(COMPLEXITY).layers, dtype={"failed": str}).fillna({"failed": ""})
        note_memory(bars, network, dataset, layers, settings)
        try:
            how = {"layers": layers, "preprocess": open_preprocess(preprocess), "settings": settings}
            table = measure_complexity(network, dataset, **how, progress=bars)
        except KeyboardInterrupt:
            raise Interrupted("Stopped before all layers were measured; nothing of it is kept.") from None
        if run:
            with run.stage(COMPLEXITY, *made_from) as stage:
                table.to_csv(stage.layers, index=False)
    return table
