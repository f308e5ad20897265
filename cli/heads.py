"""fm-keras heads: which labels each attention head of a network holds."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fm_keras.errors import Interrupted
from fm_keras.runs import HEADS, Run
from fm_keras.settings import AnalysisSettings, DataSettings, ProbeSettings
from fm_keras_cli.command import (
    Command,
    import_option,
    output_option,
    preprocess_option,
    reporting,
    runs_dir_option,
)
from fm_keras_cli.numbers import count
from fm_keras_cli.options import Names, given, settings_options, with_preset
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import keras

    from fm_keras.analysis import HeadAnalysis
    from fm_keras.data import Dataset


@click.command(cls=Command)
@click.argument("model", default="latest")
@settings_options(DataSettings, ProbeSettings, AnalysisSettings)
@click.option("--layers", type=Names(), help="only these attention layers, as `fm-keras layers` names them")
@click.option(
    "--head", "number", type=click.IntRange(min=0), metavar="N", help="the matrix of this head of the one --layers"
)
@output_option
@preprocess_option
@import_option
@runs_dir_option
@reporting
def heads(
    *,
    terminal: Terminal,
    model: str,
    layers: tuple[str, ...] | None,
    number: int | None,
    output: str | None,
    preprocess: str | None,
    modules: tuple[str, ...],
    runs_dir: Path,
) -> None:
    """Say which labels each attention head of MODEL holds: a .keras file or a run.

    Every attention layer is cut before the projection that mixes its heads; a head is measured as a filter is.  What
    is measured of all layers of a run, on its own images, is kept in it.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.complexity import check_images
    from fm_keras_cli.head_tables import show_head, show_heads
    from fm_keras_cli.header import describe_images, describe_model
    from fm_keras_cli.images import load_images
    from fm_keras_cli.measured import data_settings, open_model

    if number is not None and len(layers or ()) != 1:
        raise click.UsageError("--head needs the layer it belongs to: --layers with one name.")
    check_images(model)
    load_backend(terminal)
    network, run = open_model(model, runs_dir, modules, output=output)
    dataset = load_images(data_settings(run), terminal)
    terminal.hint(describe_images(dataset), describe_model(network), "")
    keep = run is not None and output is None and run.record.data.hash == dataset.content_hash
    measured = _measure(terminal, network, dataset, layers, output, preprocess, run if keep else None)
    if number is None:
        return show_heads(terminal, measured, run.path / HEADS if keep and layers is None else None)
    show_head(terminal, measured, layers[0], number)


def _measure(
    terminal: Terminal,
    network: keras.Model,
    dataset: Dataset,
    layers: tuple[str, ...] | None,
    output: str | None,
    preprocess: str | None,
    run: Run | None,
) -> HeadAnalysis:
    """The heads; those of all layers are kept in a run, and come from there if they were measured before."""
    from fm_keras.analysis import HeadAnalysis, analyze_heads
    from fm_keras.models import attention_heads
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.measured import open_preprocess

    chosen = attention_heads(network, layers=layers)
    settings, probe = (
        AnalysisSettings(**given(AnalysisSettings)),
        ProbeSettings.from_preset(**with_preset(ProbeSettings)),
    )
    made_from = _made_from(network, dataset, preprocess, settings, probe) if run else ()
    with run.lock() if run else nullcontext(), Bars(terminal) as bars:
        if run and run.is_current(HEADS, *made_from):
            bars.note("heads     as before")
            return HeadAnalysis.load(run.read_stage(HEADS).path).only(each.layer for each in chosen)
        nodes = count(sum(each.heads * each.nodes for each in chosen), "node")
        bars.expect({stage: nodes for stage in ("network", "measure", "probe", "filters")})
        how = {"layers": layers, "output": output, "preprocess": open_preprocess(preprocess)}
        try:
            measured = analyze_heads(network, dataset, **how, settings=settings, probe=probe, progress=bars)
        except KeyboardInterrupt:
            raise Interrupted("Stopped before all heads were measured; nothing of it is kept.") from None
        if run and layers is None:
            with run.stage(HEADS, *made_from) as stage:
                measured.save(stage.path)
    return measured


def _made_from(
    network: keras.Model, dataset: Dataset, preprocess: str | None, settings: AnalysisSettings, probe: ProbeSettings
) -> tuple[dict[str, Any], dict[str, str]]:
    """What decides the outcome: settings, and hashes of what goes in."""
    from fm_keras.hashes import model_hash

    inputs = {"data": dataset.content_hash, "model": model_hash(network)}
    return {"analysis": settings, "probe": probe}, inputs | ({"preprocess": preprocess} if preprocess else {})
