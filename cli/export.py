"""fm-keras export: a measured network as a SavedModel that TensorFlow Serving hosts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras.runs import ANALYSIS, Run
from fm_keras_cli.command import Command, import_option, reporting, runs_dir_option
from fm_keras_cli.numbers import count
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.analysis import Analysis


@click.command(cls=Command)
@click.argument("model", default="latest")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    default="saved_models",
    show_default=True,
    metavar="FOLDER",
    help="folder of served models; the export becomes NAME/<next version> there",
)
@click.option(
    "--name", help="under which the model is served (default: that of the run or file; model.keras: of its folder)"
)
@click.option("--analysis", metavar="RUN", help="run or folder with the analysis, where MODEL is a .keras file")
@click.option("--warmup/--no-warmup", default=True, help="write requests that a server replays before it takes traffic")
@import_option
@runs_dir_option
@reporting
def export(
    *,
    terminal: Terminal,
    model: str,
    to: Path,
    name: str | None,
    analysis: str | None,
    warmup: bool,
    modules: tuple[str, ...],
    runs_dir: Path,
) -> None:
    """Export MODEL for TensorFlow Serving: a run, or a .keras file with its analysis.

    Whoever is served it can ask over REST or gRPC what the network makes of an image, what a layer knows, what a filter
    is worth, and which filters speak for a label.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.measured import open_model

    load_backend(terminal)
    import fm_keras

    network, run = open_model(model, runs_dir, modules)
    measured = _analysis(run, analysis, runs_dir)
    name = name or (run.name if run else default_name(Path(model)))
    with Bars(terminal) as bars:
        path = fm_keras.export(network, measured, to=to, name=name, warmup=warmup, progress=bars)
    _show(terminal, path)
    _show_next(terminal, path, name, measured)


def default_name(model: Path) -> str:
    """Under which a file is served; prune calls every one model.keras, so that only its folder tells it apart."""
    return model.resolve().parent.name if model.name == "model.keras" else model.stem


def _analysis(run: Run | None, given: str | None, runs_dir: Path) -> Analysis:
    from fm_keras.analysis import load_analysis
    from fm_keras_cli.measured import open_analysis

    if given is not None:
        return open_analysis(given, runs_dir)[1]
    if run is None:
        raise InvalidInput(
            "A .keras file is exported with its analysis: --analysis RUN or FOLDER.  "
            "fm-keras analyze MODEL.keras --dataset ... makes one."
        )
    return load_analysis(run.read_stage(ANALYSIS).path)


def _show(terminal: Terminal, path: Path) -> None:
    from rich.text import Text

    from fm_keras.serving import read_record

    record = read_record(path)
    filters = sum(layer.units for layer in record.layers)
    said = (
        f"{record.name}, version {path.name}: {count(len(record.layers), 'layer')}, {count(filters, 'filter')}, "
        f"{count(len(record.label_names), 'label')}. All {len(record.signatures)} signatures answer as Python does."
    )
    document = {
        "name": record.name,
        "version": int(path.name),
        "path": str(path),
        "answer": said,
        "signatures": record.signatures,
        "layers": [layer.model_dump() for layer in record.layers],
    }
    terminal.result(document, Text(said))


def _show_next(terminal: Terminal, path: Path, name: str, analysis: Analysis) -> None:
    """Where the export lies, and commands that host it and ask it."""
    from fm_keras_cli.report import show_saved

    folder, last = path.parent.parent, shlex.quote(analysis.measured[-1].layer)
    show_saved(
        terminal,
        path,
        {
            f"fm-keras serve {shlex.quote(str(folder))}": "host it on this machine",
            f"fm-keras query quality {last} 0 --model {name}": "ask what a filter is worth",
        },
    )
    asked = [{"layer_index": len(analysis) - 1, "filter_index": 0}]
    body = json.dumps({"signature_name": "filter_quality", "instances": asked})
    terminal.hint(
        "The same on TensorFlow Serving, and without fm_keras:",
        "  docker run --rm -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 \\",
        f"    -v {shlex.quote(str(folder.resolve()))}:/models tensorflow/serving \\",
        "    --model_config_file=/models/models.config",
        f"  curl -d '{body}' \\",
        f"    http://127.0.0.1:8501/v1/models/{name}:predict",
    )
