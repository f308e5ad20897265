"""The option --plot: a picture beside the result of a command."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SUFFIXES = (".png", ".svg", ".pdf")


def _check_suffix(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a wrong name before anything is measured for it."""
    if path is not None and path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{path.name} must end in .png, .svg or .pdf.", ctx, parameter)
    return path


plot_option = click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_check_suffix,
    metavar="FILE",
    help="also draw it: .png, .svg or .pdf",
)


def drawing(module: str, name: str) -> Callable[..., Figure]:
    """A function that draws, from a module of `fm_keras.reports`.

    Raises:
        click.ClickException: matplotlib is not installed.
    """
    try:
        return getattr(import_module(f"fm_keras.reports.{module}"), name)
    except ModuleNotFoundError as missing:
        said = f'--plot needs {missing.name}, which is not installed: pip install "fm-keras[report]"'
        raise click.ClickException(said) from None


def save_picture(terminal: Terminal, figure: Figure, path: Path) -> None:
    """Write a figure and say where it lies."""
    from fm_keras.reports.plots import save

    save(figure, path)
    terminal.hint(f"Picture: {path}")
