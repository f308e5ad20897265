"""fm-keras models: the networks that can be trained."""

from __future__ import annotations

import click

from fm_keras_cli.command import Command, reporting
from fm_keras_cli.terminal import Terminal

_FIELDS = ("name", "title", "what", "convs", "width", "head", "source")


@click.command(cls=Command)
@reporting
def models(*, terminal: Terminal) -> None:
    """List the networks that can be trained."""
    import pandas as pd

    from fm_keras.models import ARCHITECTURES
    from fm_keras_cli.tables import plain_table

    rows = [{field: getattr(each, field) for field in _FIELDS} for each in ARCHITECTURES]
    for row, each in zip(rows, ARCHITECTURES):
        row["width_paper"] = each.in_papers.get("width", each.width)
    table = pd.DataFrame(rows)
    shown = table if terminal.out.width >= 130 else table.drop(columns="what")
    terminal.result({"models": table}, plain_table(shown.rename(columns={"width_paper": "papers' width"})))
    terminal.hint("\n  fm-keras run --model avgg16 --width 16")
