"""fm-keras query: ask a served model what its filters are worth."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.numbers import count
from fm_keras_cli.command import Command, reporting
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.serving.client.client import Client

EXPORTS = Path("saved_models")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def query() -> None:
    """Ask a served model what its filters are worth.

    The server is TensorFlow Serving, or `fm-keras serve`.
    """


def asking(function: Callable[..., None]) -> Callable[..., None]:
    """Decorator: options that say which model of which server; the command gets its `client`."""

    @click.option("--url", default="http://127.0.0.1:8501", show_default=True, help="REST interface of the server")
    @click.option("--model", metavar="NAME", help=f"of the model there (default: the only one in {EXPORTS}/)")
    @click.option("--version", type=click.IntRange(min=0), metavar="N", help="of the model (default: the newest)")
    @click.option("--version-label", metavar="LABEL", help="of a version, as stable")
    @click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True, help="seconds"
    )
    @functools.wraps(function)
    def call(
        *, url: str, model: str | None, version: int | None, version_label: str | None, timeout: float, **rest
    ) -> None:
        from fm_keras.serving.client.client import Client

        with Client(url, model=model or _only_model(), version=version, label=version_label, timeout=timeout) as client:
            function(client=client, **rest)

    return reporting(call)


def _only_model() -> str:
    """Name of the only exported model: a server does not list what it serves."""
    names = sorted(
        {folder.parent.name for folder in EXPORTS.glob("*/*") if folder.name.isdecimal() and folder.is_dir()}
    )
    if len(names) != 1:
        held = ", ".join(names) or "none"
        raise click.UsageError(f"Say which model: --model NAME. In {EXPORTS}/ there is {held}.")
    return names[0]


@query.command(cls=Command)
@asking
def status(*, terminal: Terminal, client: Client) -> None:
    """Say which versions of the model are served."""
    from fm_keras_cli.query_tables import version_lines

    versions = client.status()
    document = {"url": client.url, "model": client.model, "versions": [asdict(version) for version in versions]}
    terminal.result(document, version_lines(client, versions))


@query.command(cls=Command)
@asking
def layers(*, terminal: Terminal, client: Client) -> None:
    """List the layers whose filters can be asked for."""
    from rich.text import Text

    from fm_keras.analysis.answer import answer
    from fm_keras_cli.query_tables import layer_frame
    from fm_keras_cli.tables import layer_table

    table = layer_frame(client)
    shown = layer_table(table, terminal.out.width)
    terminal.result({"model": client.model, "layers": table}, shown, Text(f"\n{answer(table)}"))


@query.command(cls=Command)
@click.argument("layer")
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="filters to list")
@asking
def layer(*, terminal: Terminal, client: Client, layer: str, rows: int) -> None:
    """List the filters of LAYER, best first."""
    from rich.text import Text

    from fm_keras_cli.query_tables import filter_frame, layer_sentence
    from fm_keras_cli.tables import filter_table

    found, table = client.layer_summary(layer), filter_frame(client, layer)
    terminal.result(
        {**asdict(found), "label_names": client.label_names, "filters": table},
        filter_table(table.head(rows), client.label_names, terminal.out.width),
        Text(f"\n{layer_sentence(found)}"),
    )
    if len(table) > rows:
        terminal.hint(f"{count(len(table) - rows, 'more filter')}: --rows {len(table)}")


@query.command(cls=Command)
@click.argument("layer")
@click.argument("filter", type=int)
@asking
def quality(*, terminal: Terminal, client: Client, layer: str, filter: int) -> None:
    """Say what a FILTER of LAYER speaks for, and what it is worth."""
    from rich.text import Text

    from fm_keras_cli.query_tables import filter_sentence

    found = client.filter_quality(layer, filter)
    terminal.result(asdict(found), Text(filter_sentence(found, client.units(layer))))


@query.command(cls=Command)
@click.argument("layer")
@click.argument("filter", type=int)
@asking
def field(*, terminal: Terminal, client: Client, layer: str, filter: int) -> None:
    """Draw the matrix of a FILTER of LAYER."""
    from rich.text import Text

    from fm_keras.filters import threshold_fields
    from fm_keras_cli.matrix import Matrix
    from fm_keras_cli.query_tables import filter_sentence

    found, values = client.filter_quality(layer, filter), client.filter_field(layer, filter)
    above = threshold_fields(values[None].astype("float32"), client.threshold)
    matrix = Matrix(above[0], found.cluster_of, client.label_names, client.threshold)
    terminal.result(
        {**asdict(found), "fields": values},
        Text(f"{filter_sentence(found, client.units(layer))}\n"),
        matrix.draw(terminal.out.width),
    )


@query.command(cls=Command)
@click.argument("layer")
@click.argument("label")
@click.option("--count", "most", type=click.IntRange(min=1), default=10, show_default=True, metavar="N")
@asking
def top(*, terminal: Terminal, client: Client, layer: str, label: str, most: int) -> None:
    """List the filters of LAYER that speak most for LABEL: its name, or its number."""
    from rich.text import Text

    from fm_keras_cli.query_tables import top_table

    chosen = int(label) if label.isdecimal() and label not in client.label_names else label
    found = client.top_filters(layer, chosen, most)
    together = sum(each.share for each in found)
    said = f"{count(len(found), 'filter')} of {client.units(layer):,} hold {together:.0%} of what {layer} says for it."
    document = {"layer": layer, "label": label, "filters": [asdict(each) for each in found]}
    terminal.result(document, top_table(found), Text(f"\n{said}"))


@query.command(cls=Command)
@click.argument("images", nargs=-1, required=True, type=_file)
@asking
def predict(*, terminal: Terminal, client: Client, images: tuple[Path, ...]) -> None:
    """Say what the network takes each image file for."""
    from fm_keras_cli.query_tables import prediction_rows, prediction_table

    rows = prediction_rows(images, client.predict_files(images))
    terminal.result({"model": client.model, "images": rows}, prediction_table(rows))


@query.command(cls=Command)
@click.argument("image", type=_file)
@click.argument("layer")
@click.argument("filter", type=int)
@asking
def response(*, terminal: Terminal, client: Client, image: Path, layer: str, filter: int) -> None:
    """Say what field a FILTER of LAYER puts on each output for IMAGE."""
    from rich.text import Text

    from fm_keras.serving.client.image_files import read_pixels
    from fm_keras_cli.query_tables import response_sentence, response_table

    pixels = read_pixels(image, (client.image.shape or ())[1:])
    found = client.filter_response(pixels[None], layer, filter)[0]
    document = {"layer": layer, "filter": filter, "label_names": client.label_names, "field": found}
    said = f"{layer}, filter {filter} {response_sentence(found, client.label_names)}"
    terminal.result(document, response_table(found, client.label_names), Text(f"\n{said}"))
