"""fm-keras datasets: where images can come from."""

from __future__ import annotations

import click

from fm_keras.settings import DataSettings
from fm_keras_cli.command import Command, reporting
from fm_keras_cli.terminal import Terminal


@click.command(cls=Command)
@click.option("--data-dir", help=DataSettings.model_fields["data_dir"].description)
@reporting
def datasets(*, terminal: Terminal, data_dir: str | None) -> None:
    """List where images can come from."""
    from fm_keras.data import describe_sources
    from fm_keras_cli.tables import plain_table

    sources = describe_sources(data_dir)
    terminal.result({"datasets": sources}, plain_table(sources))
    terminal.hint(
        "\nBesides: every other image classification of tensorflow-datasets by its name,",
        "folder:PATH (one folder a label) and npz:PATH (x_train, y_train, x_test, y_test).",
        "  fm-keras run --dataset cifar10 --plan",
    )
