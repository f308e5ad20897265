"""Tables of the terminal for runs side by side: a measure with its change, and matched filters."""

from __future__ import annotations

import math

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras_cli.numbers import decimals
from fm_keras_cli.tables import TEAL, YELLOW, clusters_text

_ROOMY_FROM, _WIDE_FROM = 80, 110
_NUMBERS = 26
"""columns of the terminal that filter, match and alike take"""


def change_table(layers: pd.DataFrame, width: int) -> Table:
    """Measures of the layers of a run, each with its difference to the first run.

    Args:
        layers: rows of one run in `Comparison.layers`.
        width: columns of the terminal; 110 or more: with clusters, cluster size and dead filters; less than 80: without
            the numbers of filters and of same clusters.
    """
    roomy = width >= _ROOMY_FROM
    columns = [("accuracy", "accuracy", 3), ("noise", "noise", 1), ("SNR", "snr", 2)]
    if width >= _WIDE_FROM:
        columns += [("clusters", "n_clusters", 1), ("size", "cluster_size", 1)]
        columns += [("dead", "dead", 2)] if layers[["dead", "dead_first"]].any(axis=None) else []
        columns += [("quality", "quality", 3)] if "quality" in layers else []
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False, collapse_padding=not roomy)
    table.add_column("layer", overflow="fold")
    heads = [name for name, *_ in columns]
    for name in ("filters", *heads, "alike", "chance", "same") if roomy else (*heads, "alike", "chance"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in layers.to_dict("records"):
        changes = [_with_change(row[measure], row[f"{measure}_change"], places) for _, measure, places in columns]
        alike = f"{row['similarity']:.2f}"
        chance = Text(f"{row['similarity_by_chance']:.2f}", "bright_black")
        cells = [f"{row['units']:,}", *changes, alike, chance, f"{row['same_clusters']:.0%}"]
        table.add_row(row["layer"], *(cells if roomy else cells[1:-1]))
    return table


def match_table(filters: pd.DataFrame, label_names: tuple[str, ...], width: int) -> Table:
    """Filters of the first run beside their matches, with what both pick.

    Args:
        filters: rows of one layer and run in `Comparison.filters`.
        label_names: K names.
        width: columns of the terminal; 110 or more: with the labels gained and lost.
    """
    wide = width >= _WIDE_FROM
    room = (width - _NUMBERS) // (3 if wide else 2) - 2
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("filter", justify="right", no_wrap=True)
    table.add_column("its labels", no_wrap=True, overflow="ellipsis", max_width=room)
    table.add_column("match", justify="right", no_wrap=True)
    table.add_column("its labels", no_wrap=True, overflow="ellipsis", max_width=room)
    if wide:
        table.add_column("gained and lost", no_wrap=True, overflow="ellipsis", max_width=room)
    table.add_column("alike", justify="right", no_wrap=True)
    for row in filters.itertuples(index=False):
        mine, theirs = (Text(clusters_text(groups, label_names), TEAL) for groups in (row.labels, row.partner_labels))
        moved = [_moved(row.gained, row.lost, label_names)] if wide else []
        table.add_row(str(row.filter), mine, str(row.partner), theirs, *moved, f"{row.similarity:.2f}")
    return table


def _with_change(value: float, change: float, places: int) -> Text:
    """0.950 +0.012; = where the change rounds to nothing."""
    text = Text(f"{decimals(value, places)} ")
    if not math.isfinite(change):
        return text.append(f"{decimals(change, places):>{places + 3}}", "bright_black")
    rounded = round(change, places)
    said = f"{rounded:+.{places}f}" if rounded else "="
    return text.append(f"{said:>{places + 3}}", YELLOW if rounded else "bright_black")


def _moved(gained: tuple[int, ...], lost: tuple[int, ...], label_names: tuple[str, ...]) -> Text:
    parts = [*(f"+{label_names[label]}" for label in gained), *(f"-{label_names[label]}" for label in lost)]
    return Text(" ".join(parts) or "=", YELLOW if parts else "bright_black")
