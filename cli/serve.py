"""fm-keras serve: host a folder of SavedModels where TensorFlow Serving cannot run."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras.settings import ServeSettings
from fm_keras_cli.backend import load_tensorflow
from fm_keras_cli.command import Command, reporting
from fm_keras_cli.options import given, settings_options
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.serving.server.server import Server
    from fm_keras.serving.server.store import Version

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PRODUCTION = "For laptops, ARM and tests. Production belongs to TensorFlow Serving, which hosts the same folder."


@click.command(cls=Command)
@click.argument("saved_models", type=click.Path(path_type=Path), default="saved_models")
@click.option(
    "--config",
    type=_FILE,
    help="versions, labels and models elsewhere (default: SAVED_MODELS/models.config, if there is one)",
)
@click.option(
    "--monitoring-config",
    type=_FILE,
    help="path of the metrics (default: SAVED_MODELS/monitoring.config, if there is one)",
)
@settings_options(ServeSettings)
@reporting
def serve(*, terminal: Terminal, saved_models: Path, config: Path | None, monitoring_config: Path | None) -> None:
    """Host the models of a folder over REST and gRPC, as TensorFlow Serving does.

    Whoever exported them: SAVED_MODELS/NAME/VERSION/saved_model.pb.  New versions are picked up, old ones finish
    their requests.  Ctrl-C stops.
    """
    terminal.hint(_PRODUCTION)
    load_tensorflow(terminal)
    server_class = _server_class()

    def report(name: str, version: Version) -> None:
        said = str(version.error).splitlines()[0] if version.error else version.state.name
        terminal.hint(f"{name} version {version.number}: {said}")

    settings = ServeSettings(**given(ServeSettings))
    server = server_class(
        saved_models, settings, models_config=config, monitoring_config=monitoring_config, report=report
    )
    with _first_signal() as stop, server:
        _show(terminal, server, saved_models)
        stop.wait()
        terminal.hint("Stopping: requests in flight are answered.")


@contextmanager
def _first_signal() -> Iterator[threading.Event]:
    """Is set by the first Ctrl-C or SIGTERM; a second one does what it usually does."""
    stop = threading.Event()
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore(*_: object) -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    for number in usual:
        signal.signal(number, lambda *_: (stop.set(), restore()))
    try:
        yield stop
    finally:
        restore()


def _server_class() -> type[Server]:
    try:
        from fm_keras.serving.server.server import Server
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        raise InvalidInput(
            f'fm-keras serve needs {name}, which is not installed: pip install "fm-keras[serve]".'
        ) from None
    return Server


def _show(terminal: Terminal, server: Server, folder: Path) -> None:
    models = {name: versions for name, versions in server.store.available().items() if versions}
    metrics = None if server.metrics_path is None else f"{server.rest_url}{server.metrics_path}"
    lines = [f"REST     {server.rest_url}/v1/models", f"gRPC     {server.grpc_address}"]
    if metrics:
        lines.append(f"Metrics  {metrics}")
    lines.append(f"Ready: {_listed(models)}." if models else _nothing(folder))
    terminal.result(
        {"rest": server.rest_url, "grpc": server.grpc_address, "metrics": metrics, "models": models}, *lines
    )


def _nothing(folder: Path) -> str:
    """What to say where there is no model."""
    return (
        f"Ready, but there is no {folder}/NAME/VERSION/saved_model.pb that can be served. "
        f"fm-keras export RUN --to {shlex.quote(str(folder))} makes one: it is picked up."
    )


def _listed(models: dict[str, list[int]]) -> str:
    return ", ".join(
        f"{name} version{'s' if len(versions) > 1 else ''} {', '.join(map(str, versions))}"
        for name, versions in models.items()
    )
