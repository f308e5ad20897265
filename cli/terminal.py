"""Where a command writes: the result on stdout, progress and hints on stderr."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

NARROWEST, WIDEST = 60, 160


class Terminal:
    """The two streams of a command.

    Args:
        as_json: the result is one JSON document instead of text.
        quiet: no progress and no hints.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet

    @cached_property
    def out(self) -> Console:
        """Rich console of stdout, 60 to 160 columns wide."""
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """Rich console of stderr, 60 to 160 columns wide."""
        return _console(stderr=True)

    def hint(self, *lines: RenderableType) -> None:
        """Lines beside the result."""
        if not self.quiet:
            for line in lines:
                self.err.print(line)

    def result(self, document: Mapping[str, Any], *shown: RenderableType) -> None:
        """The result: what is shown, or the document with --json."""
        if self.as_json:
            click.echo(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False))
            return
        for renderable in shown:
            self.out.print(renderable)


def plain(value: Any) -> Any:
    """Value as JSON knows it: tables as lists of rows, NaN and infinity as null."""
    if hasattr(value, "to_dict"):
        value = value.to_dict("records")
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    console.width = min(max(console.width, NARROWEST), WIDEST)
    return console
