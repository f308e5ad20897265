"""fm-keras analyze: measure every filter of a model that is there already."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras.runs import ANALYSIS, Run, default_run_name
from fm_keras.settings import AnalysisSettings, DataSettings, ProbeSettings
from fm_keras_cli.command import (
    Command,
    import_option,
    name_option,
    output_option,
    plan_option,
    preprocess_option,
    reporting,
    runs_dir_option,
    same_command,
)
from fm_keras_cli.options import Names, given, settings_options
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import keras

    from fm_keras.data import Dataset
    from fm_keras.records import RunRecord


@click.command(cls=Command)
@click.argument("model")
@settings_options(DataSettings, ProbeSettings, AnalysisSettings)
@click.option("--layers", type=Names(), help="only these layers, as `fm-keras layers` names them")
@output_option
@preprocess_option
@import_option
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="write the analysis to this folder instead of a run",
)
@name_option
@runs_dir_option
@plan_option
@reporting
def analyze(
    *,
    terminal: Terminal,
    model: str,
    layers: tuple[str, ...] | None,
    output: str | None,
    preprocess: str | None,
    modules: tuple[str, ...],
    to: Path | None,
    name: str | None,
    runs_dir: Path,
    plan: bool,
) -> None:
    """Measure every filter of MODEL: a .keras file, or the network of a run.

    A run is measured on its own images, and the analysis is kept in it.  For a file, and for other images
    (--dataset), it is kept in a run of its own.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.header import describe_images, describe_model
    from fm_keras_cli.images import load_images
    from fm_keras_cli.measure_stage import asked_measuring
    from fm_keras_cli.measured import data_settings, open_model
    from fm_keras_cli.plan import plan_fetching, show_plan
    from fm_keras_cli.report import show_measured, ways_to_look

    if model.endswith(".keras") and "dataset" not in given(DataSettings):
        raise click.UsageError("Say on which images MODEL is measured: --dataset.  `fm-keras datasets` lists them.")
    if plan and plan_fetching(terminal):
        return
    load_backend(terminal)
    network, run = open_model(model, runs_dir, modules, output=output)
    data = data_settings(run)
    dataset = load_images(data, terminal)
    terminal.hint(describe_images(dataset), describe_model(network), "")
    measuring = asked_measuring(network, dataset, layers, preprocess=preprocess)
    if plan:
        return show_plan(terminal, None, measuring)
    if to is None and (run is None or run.record.data.hash != dataset.content_hash):
        record = _record(network, Path(model).stem if run is None else run.name, data, dataset)
        run = Run.create(name or default_run_name(record, runs_dir), record, runs_dir)
    if to is None and run.path.joinpath(ANALYSIS).exists() and not measuring.is_done(run):
        raise InvalidInput(
            f"{run.name} already holds an analysis made otherwise. Keep this one elsewhere: --to FOLDER."
        )
    with nullcontext() if to else run.lock(), Bars(terminal) as bars:
        analysis = measuring.measure(bars) if to else measuring.measure_in(run, bars)
    if to:
        analysis.save(to)
    path = to or run.path
    saved = {"model": model, "path": str(path), "data": dataset.name}
    show_measured(terminal, analysis, saved, ways_to_look(None if to else run, path, analysis))


def _record(network: keras.Model, name: str, data: DataSettings, dataset: Dataset) -> RunRecord:
    """What marks a run that holds nothing but an analysis."""
    from fm_keras.hashes import model_hash
    from fm_keras.records import RunRecord, dump_settings
    from fm_keras_cli.images import data_record

    settings = {
        **dump_settings({"data": data.changed(data_dir=None)}),
        "model": {"name": name, "hash": model_hash(network)},
    }
    seed = given(ProbeSettings).get("seed", ProbeSettings().seed)
    return RunRecord(settings=settings, seed=seed, data=data_record(dataset), command=same_command("analyze"))
