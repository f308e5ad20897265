"""fm-keras plot: one figure of a run as a picture."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from fm_keras.errors import InvalidInput
from fm_keras.runs import TRAIN, Run, StageFolder
from fm_keras_cli.command import Command, fields_option, reporting, runs_dir_option
from fm_keras_cli.numbers import file_size
from fm_keras_cli.report import run_words
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fm_keras.analysis import Analysis

_OF_SWEEPS = ("error-width", "noise-width", "error-macs", "depth-ratio", "label-law")
# Each figure, and the options that it takes.
OPTIONS = {
    "matrix": ("layer", "filter"),
    "filters": ("layer", "by", "label", "count", "seed"),
    "depth": (),
    "labels": (),
    "clusters": (),
    "training": (),
    "fields": ("layer", "filter"),
    "quality": ("layer",),
    "quality-depth": (),
    "complexity": ("over",),
    **dict.fromkeys(_OF_SWEEPS, ()),
}


@click.command(cls=Command)
@click.argument("run")
@click.argument("what", metavar="WHAT", type=click.Choice(list(OPTIONS)))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="the picture: .png, .svg or .pdf (default: a .png in this folder, named after run, figure and filter)",
)
@click.option("--layer", metavar="L", help="the layer (default: the last; for quality: all)")
@click.option("--filter", type=click.IntRange(min=0), metavar="N", help="the filter of the layer (default: the best)")
@click.option(
    "--by",
    type=click.Choice(["quality", "snr", "label", "random"]),
    help="how to choose filters (default: quality where it was measured, else snr)",
)
@click.option("--label", metavar="NAME", help="filters with a cluster that holds this label")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="filters to show (default: 16)")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="seed of --by random (default: 0)")
@click.option("--over", metavar="AXIS", help="what networks of a sweep differ in: width, samples, batch_norm, ...")
@fields_option
@runs_dir_option
@reporting
def plot(
    *,
    terminal: Terminal,
    run: str,
    what: str,
    output: Path | None,
    fields: str | None,
    runs_dir: Path,
    **options: Any,
) -> None:
    """Draw one figure of RUN as a picture.

    RUN is a name, a path, or latest; it may also be a folder that `fm-keras analyze --to` wrote.  WHAT is

    \b
    matrix         one filter: its field, what is above the threshold, clusters as blocks
    filters        some filters of a layer beside each other
    depth          accuracy, SNR, noise, clusters and quality, layer by layer
    labels         how evenly the labels are spread over the filters
    clusters       how many labels clusters have
    training       accuracy, loss and learning rate by epoch
    fields         probe field and network field of one filter
    quality        what filters cost to lose, against their SNR
    quality-depth  what filters cost to lose, layer by layer
    complexity     how hard the classes are to tell apart, layer by layer; of the folder of a sweep --over an axis

    Of the folder of a sweep:

    \b
    error-width    error against width, with the law     noise-width  noise of a filter against width
    error-macs     the cost of an error, by model        depth-ratio  error by depth ratio at equal MACs
    label-law      what grows with the number of labels
    """
    from rich.text import Text

    given = {name: value for name, value in options.items() if value is not None}
    if strange := [f"--{name}" for name in given if name not in OPTIONS[what]]:
        takes = ", ".join(f"--{name}" for name in OPTIONS[what]) or "none of these options"
        raise click.UsageError(f"{', '.join(strange)} is not for {what}, which takes {takes}.")
    plots = _plots()
    if what == "training":
        name, figure, parts = _draw_training(plots, run, runs_dir)
    elif what == "complexity":
        from fm_keras_cli.plot_complexity import draw_complexity

        name, figure, parts = draw_complexity(plots, run, runs_dir, **given)
    elif what in _OF_SWEEPS:
        from fm_keras_cli.plot_sweep import draw_sweep_folder

        name, figure, parts = draw_sweep_folder(run, what)
    else:
        name, figure, parts = _draw(plots, run, runs_dir, fields, what, given)
    path = output or Path(re.sub(r"[^\w.-]+", "-", "-".join([name, what, *parts])) + ".png")
    plots.save(figure, path)
    size = path.stat().st_size
    terminal.result(
        {"run": name, "figure": what, "title": figure.get_label(), "path": str(path), "bytes": size},
        Text(f"{figure.get_label()}\nPicture: {path} ({file_size(size)})", overflow="fold"),
    )


def _plots() -> ModuleType:
    try:
        from fm_keras.reports import plots
    except ModuleNotFoundError as missing:
        name = missing.name.partition(".")[0]
        said = f'fm-keras plot needs {name}, which is not installed: pip install "fm-keras[report]"'
        raise click.ClickException(said) from None
    return plots


def _draw_training(plots: ModuleType, run: str, root: Path) -> tuple[str, Figure, list[str]]:
    import pandas as pd

    opened = Run.open(run, root)
    return opened.name, plots.training_history(pd.read_csv(opened.read_stage(TRAIN).history)), []


def _draw(
    plots: ModuleType, run: str, root: Path, fields: str | None, what: str, given: dict[str, Any]
) -> tuple[str, Figure, list[str]]:
    """Name of the run, the figure, and which layer and filter it shows."""
    from fm_keras_cli.measured import check_layer, open_analysis

    name, analysis = open_analysis(run, root, fields)
    if "layer" in given:
        check_layer(name, analysis, given["layer"])
    _check_measured(name, analysis, what, given, run, root)
    if what in ("matrix", "fields"):
        layer, number = _choose(plots, analysis, **given)
        draw = plots.filter_matrix if what == "matrix" else plots.field_pair
        return name, draw(analysis, layer, number), [layer, str(number)]
    if what == "filters":
        asked = {"layer": _last(analysis), **given}
        asked["by"] = given.get("by") or ("label" if "label" in given else _measure_of(analysis))
        return name, plots.layer_filters(analysis, **asked), [asked["layer"], asked["by"]]
    if what == "quality":
        return name, plots.quality_against_snr(analysis, **given), list(given.values())
    draw = {
        "depth": plots.depth_curves,
        "labels": plots.label_homogeneity,
        "clusters": plots.cluster_sizes,
        "quality-depth": plots.quality_by_depth,
    }[what]
    return name, draw(analysis), []


def _choose(
    plots: ModuleType, analysis: Analysis, layer: str | None = None, filter: int | None = None
) -> tuple[str, int]:
    """The layer and filter asked for, else the last layer and its best filter."""
    layer = layer or _last(analysis)
    best = plots.choose_filters(analysis, layer, _measure_of(analysis), count=1)[0]
    return layer, best if filter is None else filter


def _last(analysis: Analysis) -> str:
    return list(analysis)[-1].layer


def _measure_of(analysis: Analysis) -> str:
    """What filters are best by."""
    return "quality" if "quality" in next(iter(analysis)).table else "snr"


def _check_measured(name: str, analysis: Analysis, what: str, given: dict[str, Any], run: str, root: Path) -> None:
    """Raise InvalidInput where the figure needs network fields that are not there, with the command that makes them."""
    needs_quality = what.startswith("quality") or given.get("by") == "quality"
    missing = "quality" if needs_quality and _measure_of(analysis) == "snr" else ""
    if what == "fields" and analysis.network is None:
        missing = "pair of probe and network fields"
    if missing:
        folder = StageFolder(Path(run)).analysis.is_file()
        words = f"MODEL --to {shlex.quote(run)}" if folder else run_words(Run.open(run, root))
        raise InvalidInput(f"{name} has no {missing} yet. Measure it: fm-keras analyze {words} --fields both")
