"""fm-keras stability: how sure is what was measured, given the threshold and given the images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras_cli.command import (
    Command,
    fields_option,
    import_option,
    output_option,
    preprocess_option,
    reporting,
    runs_dir_option,
)
from fm_keras_cli.numbers import count
from fm_keras_cli.pictures import drawing, plot_option, save_picture
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd

    from fm_keras.analysis import Analysis

_MEASURES = ("snr", "noise", "n_clusters", "cluster_size", "signal", "dead")


@click.command(cls=Command)
@click.argument("run", default="latest")
@click.option("--measure", type=click.Choice(_MEASURES), default="snr", show_default=True, help="what the table shows")
@click.option("--layer", metavar="L", help="all measures of this layer")
@click.option("--images", is_flag=True, help="intervals over the images instead of thresholds; runs the network once")
@click.option("--model", metavar="FILE", help="with --images: the .keras file that was measured, if RUN holds none")
@click.option("--data-dir", metavar="FOLDER", help="with --images: folder of prepared tensorflow-datasets")
@fields_option
@plot_option
@output_option
@preprocess_option
@import_option
@runs_dir_option
@reporting
def stability(
    *,
    terminal: Terminal,
    run: str,
    measure: str,
    layer: str | None,
    images: bool,
    model: str | None,
    data_dir: str | None,
    fields: str | None,
    plot: Path | None,
    output: str | None,
    preprocess: str | None,
    modules: tuple[str, ...],
    runs_dir: Path,
) -> None:
    """Say how sure what was measured is: other thresholds, other images.

    Without --images: clusters, noise and SNR at thresholds from 0.1 to 0.9, from what RUN holds.  With --images:
    where accuracy, SNR and noise of each layer would lie, 95 times of 100, for other images of the same kind.
    """
    from fm_keras_cli.measured import check_layer, open_analysis

    draw = None if plot is None else drawing("stability_plots", "interval_curves" if images else "threshold_curves")
    name, analysis = open_analysis(run, runs_dir, fields)
    if layer is not None:
        check_layer(name, analysis, layer)
    if images:
        found = _measure_images(terminal, analysis, run, runs_dir, model, data_dir, modules, output, preprocess)
    else:
        from fm_keras.reports.stability import threshold_stability

        found = threshold_stability(analysis)
    if layer is not None:
        found = found[found["layer"] == layer]
    if images:
        _show_images(terminal, name, analysis, found)
    else:
        _show_thresholds(terminal, name, analysis, found, measure)
    if draw:
        save_picture(terminal, draw(found, analysis), plot)


def _show_thresholds(terminal: Terminal, name: str, analysis: Analysis, found: pd.DataFrame, measure: str) -> None:
    from rich.text import Text

    from fm_keras.reports.steadiness import say_stability
    from fm_keras_cli.stability_tables import one_layer_table, threshold_table

    own, several = analysis.settings.threshold, found["layer"].nunique() > 1
    table = threshold_table(found, measure, own, terminal.out.width) if several else one_layer_table(found, own)
    said = say_stability(found, own)
    terminal.result({"run": name, "threshold": own, "answer": said, "layers": found}, table, Text(f"\n{said}"))
    if several:
        terminal.hint(
            f"\nOther tables: --measure {', '.join(each for each in _MEASURES if each != measure)}; --layer L"
        )


def _show_images(terminal: Terminal, name: str, analysis: Analysis, found: pd.DataFrame) -> None:
    from rich.text import Text

    from fm_keras.reports.steadiness import say_intervals
    from fm_keras_cli.stability_tables import interval_table

    said = say_intervals(found)
    terminal.hint(
        f"{name}: 95% intervals over {count(analysis.images, f'{analysis.settings.split} image')} of {analysis.data}"
    )
    terminal.result(
        {"run": name, "level": 0.95, "answer": said, "layers": found}, interval_table(found), Text(f"\n{said}")
    )


def _measure_images(
    terminal: Terminal,
    analysis: Analysis,
    run: str,
    root: Path,
    model: str | None,
    data_dir: str | None,
    modules: tuple[str, ...],
    output: str | None,
    preprocess: str | None,
) -> pd.DataFrame:
    """Intervals of the layers: the only part of this command that needs Keras."""
    from fm_keras.runs import Run
    from fm_keras.settings import DataSettings
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.images import load_images
    from fm_keras_cli.measured import open_model, open_preprocess

    opened = Run.open(run, root)
    if model is None and "train" not in opened.record.settings:
        raise InvalidInput(f"{opened.name} holds no network: it was measured from a file. Give that file: --model FILE")
    load_backend(terminal)
    from fm_keras.analysis.intervals import measure_intervals

    network, _ = open_model(model or run, root, modules, output=output)
    prepare = open_preprocess(preprocess)
    data = DataSettings(**opened.record.settings["data"])
    dataset = load_images(data.changed(data_dir=data_dir) if data_dir else data, terminal)
    with Bars(terminal) as bars:
        bars.expect({"measure": f"{count(len(analysis), 'layer')} in one pass"})
        return measure_intervals(network, dataset, analysis, preprocess=prepare, progress=bars)
