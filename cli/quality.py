"""fm-keras quality: what each filter is worth to the network, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fm_keras.settings import AnalysisSettings, DataSettings
from fm_keras_cli.command import (
    Command,
    import_option,
    output_option,
    plan_option,
    preprocess_option,
    reporting,
    runs_dir_option,
)
from fm_keras_cli.numbers import count, file_size
from fm_keras_cli.options import Names, given, settings_options
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    import pandas as pd

    from fm_keras.analysis import Analysis
    from fm_keras.data import Dataset
    from fm_keras.pruning import ScoreCheck
    from fm_keras.runs import Run
    from fm_keras.slicing import NetworkMeasures
    from fm_keras_cli.bars import Bars


@click.command(cls=Command)
@click.argument("model", default="latest")
@settings_options(DataSettings, AnalysisSettings, without=("fields", "engine", "max_positions"))
@click.option("--layers", type=Names(), help="only these layers, as `fm-keras layers` names them")
@click.option("--check", is_flag=True, help="silence filters for real, and say which scores foretold it")
@click.option(
    "--units", type=click.IntRange(min=2), metavar="N", help="--check: at most N filters of each layer, drawn at random"
)
@click.option("--halves/--no-halves", default=True, help="--check: silence half of each layer at once, too")
@click.option(
    "--rows", type=click.IntRange(min=1), default=3, show_default=True, metavar="N", help="best and worst to list"
)
@output_option
@preprocess_option
@import_option
@runs_dir_option
@plan_option
@reporting
def quality(
    *,
    terminal: Terminal,
    model: str,
    layers: tuple[str, ...] | None,
    check: bool,
    units: int | None,
    halves: bool,
    rows: int,
    output: str | None,
    preprocess: str | None,
    modules: tuple[str, ...],
    runs_dir: Path,
    plan: bool,
) -> None:
    """Say what each filter of MODEL is worth: a .keras file, or the network of a run.

    The quality of a filter is the loss, in nats, that its removal is expected to cost.  Nothing is trained: it takes a
    forward pass and some backward passes over the images.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.header import describe_images, describe_model
    from fm_keras_cli.images import load_images
    from fm_keras_cli.measured import data_settings, open_model, open_preprocess
    from fm_keras_cli.plan import plan_fetching, show_network_plan

    if model.endswith(".keras") and "dataset" not in given(DataSettings):
        raise click.UsageError("Say on which images MODEL is measured: --dataset.  `fm-keras datasets` lists them.")
    if units and not check:
        raise click.UsageError("--units says how many filters are silenced for real: add --check.")
    if plan and plan_fetching(terminal):
        return
    load_backend(terminal)
    network, run = open_model(model, runs_dir, modules, output=output)
    how = {"layers": layers, "preprocess": open_preprocess(preprocess)}
    dataset = load_images(data_settings(run), terminal)
    terminal.hint(describe_images(dataset), describe_model(network), "")
    settings = AnalysisSettings(**{**given(AnalysisSettings), "fields": "network"})
    if plan:
        fits = _fields_fit(terminal, network, dataset, settings, layers)
        if check:
            terminal.hint("Silencing filters for real (--check) comes on top; --units N bounds it.")
        return show_network_plan(terminal, network, dataset, settings, layers, fits)
    with Bars(terminal) as bars:
        if check:
            from fm_keras.pruning import check_scores

            analysis = _analysis_of(run, dataset)
            how |= {"analysis": analysis, "units": units, "halves": halves, "settings": settings}
            _check(terminal, check_scores(network, dataset, **how, progress=bars))
        else:
            _measure(terminal, bars, network, dataset, settings, rows, how)


def _measure(
    terminal: Terminal,
    bars: Bars,
    network: keras.Model,
    dataset: Dataset,
    settings: AnalysisSettings,
    rows: int,
    how: dict[str, Any],
) -> None:
    from rich.text import Text

    from fm_keras_cli.quality_tables import best_and_worst, measured_on, quality_answer, quality_layers

    measures, layers_table, filters = _tables(terminal, bars, network, dataset, settings, how)
    said = quality_answer(filters, layers_table)
    terminal.hint("")
    terminal.result(
        {
            "images": measures.images,
            "loss": measures.loss,
            "accuracy": measures.accuracy,
            "outputs": measures.outputs,
            "answer": said,
            "layers": layers_table,
            "filters": filters,
        },
        quality_layers(layers_table),
        Text(""),
        best_and_worst(filters, dataset.label_names, rows, terminal.out.width),
        Text(f"\n{measured_on(measures, settings.split, dataset.labels)}\n{said}"),
    )
    terminal.hint("--check silences filters for real and compares; --json gives every filter.")


def _tables(
    terminal: Terminal,
    bars: Bars,
    network: keras.Model,
    dataset: Dataset,
    settings: AnalysisSettings,
    how: dict[str, Any],
) -> tuple[NetworkMeasures, pd.DataFrame, pd.DataFrame]:
    """What was measured, and a row for each layer and each filter: with clusters where their fields fit in memory.

    Args:
        terminal: told where clusters are left out.
        bars: told about every step.
        network: what is measured.
        dataset: on which images.
        settings: how.
        how: layers, and what prepares the images.
    """
    from fm_keras.analysis import network_analysis, quality_tables
    from fm_keras.slicing import cut_points, measure_network

    fits = _fields_fit(terminal, network, dataset, settings, how["layers"])
    measures = measure_network(network, dataset, with_fields=fits, settings=settings, progress=bars, **how)
    if not fits:
        return measures, *quality_tables(measures)
    analysis = network_analysis(dataset, cut_points(network, layers=how["layers"]), measures, settings)
    return measures, analysis.layers(), analysis.filters()


def _fields_fit(
    terminal: Terminal,
    network: keras.Model,
    dataset: Dataset,
    settings: AnalysisSettings,
    layers: Sequence[str] | None,
) -> bool:
    """Whether to take network fields, for the clusters: they fit in memory, and take no more passes than asked for."""
    from fm_keras.slicing import FEW_LABELS, cut_points, fields_memory

    need = fields_memory(cut_points(network, layers=layers), dataset.labels)
    if need >= settings.memory_limit * 1e9:
        terminal.hint(f"Clusters are left out: fields of so many labels would take {file_size(need)}.")
        return False
    if dataset.labels > max(FEW_LABELS, settings.outputs):
        passes = count(dataset.labels, "backward pass")
        terminal.hint(f"Clusters are left out: they take {passes} (--outputs {dataset.labels} does it).")
        return False
    return True


def _check(terminal: Terminal, found: ScoreCheck) -> None:
    from rich.text import Text

    from fm_keras_cli.quality_tables import check_answer, check_tables

    terminal.hint("")
    terminal.result(
        {
            "images": found.images,
            "answer": check_answer(found),
            "correlations": found.correlations,
            "halves": found.halves,
            "costs": found.costs,
        },
        *check_tables(found),
        Text(f"{check_answer(found)}"),
    )


def _analysis_of(run: Run | None, dataset: Dataset) -> Analysis | None:
    """What a run holds of the same images, for the scores that fields make."""
    from fm_keras.analysis import load_analysis
    from fm_keras.runs import ANALYSIS

    if run is None or run.record.data.hash != dataset.content_hash or not run.path.joinpath(ANALYSIS).exists():
        return None
    return load_analysis(run.read_stage(ANALYSIS).path)
