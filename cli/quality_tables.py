"""What the quality of filters looks like on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from fm_keras.numbers import count, figures
from fm_keras_cli.numbers import decimals
from fm_keras_cli.tables import ORANGE, TEAL, bar, clusters_text, new_table

if TYPE_CHECKING:
    from fm_keras.pruning import ScoreCheck
    from fm_keras.slicing import NetworkMeasures

_LOW_CEILING = 0.5
_NAMES = {
    "ceiling": "ceiling: the truth on other images",
    "quality": "quality",
    "taylor_signed": "Taylor, signed",
    "taylor_squared": "Taylor, squared",
    "contribution_norm": "contribution norm",
    "kernel_l1": "L1 of the kernel",
    "batch_norm_scale": "BatchNorm scale",
    "fpgm": "FPGM",
    "active_share": "active share (1 - APoZ)",
    "snr": "SNR",
    "few_noise": "few noise",
    "field_norm": "field norm",
    "probe_ablation": "probe ablation",
    "greedy": "greedy choice",
    "greedy, no labels": "greedy choice without labels",
    "random": "random, mean of 5",
    "whole network": "whole network",
}


def quality_layers(layers: pd.DataFrame) -> Table:
    """Per layer: what its filters are worth together, and how many are worth nothing or less.

    Args:
        layers: one row per layer, with quality; snr where fields were measured.
    """
    table = new_table(left=("layer",), right=("filters", "quality"))
    table.add_column("", no_wrap=True)
    fields = "snr" in layers
    for name in ("below zero", "around zero", *(["SNR"] if fields else [])):
        table.add_column(name, justify="right", no_wrap=True)
    top = layers["quality"].max()
    for row in layers.itertuples(index=False):
        table.add_row(
            row.layer,
            f"{row.units:,}",
            decimals(row.quality, 3),
            Text(bar(row.quality / top if top > 0 else 0), ORANGE),
            f"{row.quality_below_zero:.0%}",
            f"{row.quality_around_zero:.0%}",
            *([decimals(row.snr, 2)] if fields else []),
        )
    return table


def best_and_worst(filters: pd.DataFrame, label_names: tuple[str, ...], rows: int, width: int) -> Table:
    """Per layer the filters that cost most to lose, and those that cost least.

    Args:
        filters: one row per filter of every layer, with quality; labels of the clusters where fields were measured.
        label_names: K names.
        rows: how many of each.
        width: columns of the terminal.
    """
    fields = "labels" in filters
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("layer", no_wrap=True)
    table.add_column("filter", justify="right", no_wrap=True)
    table.add_column("costs to lose, nats", justify="right", no_wrap=True)
    if fields:
        table.add_column("speaks for", no_wrap=True, overflow="ellipsis", max_width=max(12, width - 60))
    for layer, each in filters.groupby("layer", sort=False):
        ordered = each.sort_values("quality", ascending=False, kind="stable")
        few = len(ordered) <= 2 * rows
        shown = ordered if few else pd.concat([ordered.head(rows), ordered.tail(rows)])
        for place, row in enumerate(shown.itertuples(index=False)):
            cells = [layer if place == 0 else "", str(row.filter)]
            cells.append(Text(quality_text(row), "" if row.quality > 0 else "bright_black"))
            if fields:
                cells.append(Text("dead" if row.dead else clusters_text(row.labels, label_names), TEAL))
            table.add_row(*cells)
            if not few and place == rows - 1:
                table.add_row("", "…", "")
    return table


def quality_text(row: object) -> str:
    """0.0120 (0.0090 to 0.0150)."""
    return f"{decimals(row.quality, 4)} ({decimals(row.quality_low, 4)} to {decimals(row.quality_high, 4)})"


def measured_on(measures: NetworkMeasures, split: str, labels: int) -> str:
    """The images, the loss that quality compares with, and the outputs that were taken.

    Args:
        measures: what was measured.
        split: test or train.
        labels: number of labels, K.
    """
    said = (
        f"Quality: expected rise of the loss, which is {figures(measures.loss)} nats at accuracy "
        f"{measures.accuracy:.3f} on {count(measures.images, f'{split} image')}; 95% intervals over images."
    )
    if measures.outputs < labels:
        said += f" Of {labels} logits only {measures.outputs} of each image: its label and the largest."
    return said


def quality_answer(filters: pd.DataFrame, layers: pd.DataFrame) -> str:
    """Where the network's worth lies, in words."""
    spare = int((filters["quality_low"] <= 0).sum())
    if spare == len(filters):
        return f"None of {count(len(filters), 'filter')} costs anything, one at a time, that can be told from zero."
    most = layers.loc[layers["quality"].idxmax()]
    return (
        f"{spare:,} of {count(len(filters), 'filter')} could be lost, one at a time, at no cost that can be told from "
        f"zero; the filters of {most.layer} cost most, {figures(most.quality)} nats in sum. Single costs do not add "
        "up: choose groups with fm_keras.filters.choose_units."
    )


def check_tables(found: ScoreCheck) -> list[RenderableType]:
    """For every layer the scores by how well they foretold the truth, and what is left without the lower half.

    Args:
        found: what `check_scores` returned.
    """
    shown: list[RenderableType] = []
    for layer, correlations in found.correlations.groupby("layer", sort=False):
        halves = found.halves[found.halves["layer"] == layer].set_index("rule")["accuracy"]
        known = correlations.set_index("score")
        right = ("Spearman", "95% interval", *(["half kept"] if len(halves) else []))
        table = new_table(left=(layer,), right=right)
        order = [*known["spearman"].sort_values(ascending=False, kind="stable").index]
        for name in [*order, *halves.index.difference(order, sort=False)]:
            row = known.loc[name] if name in known.index else None
            cells = [
                "" if row is None else decimals(row.spearman, 2),
                "" if row is None else f"{decimals(row.low, 2)} to {decimals(row.high, 2)}",
                decimals(halves[name], 3) if name in halves.index else "",
            ]
            name_text = Text(_NAMES.get(name, name), "bold" if name == "quality" else "")
            table.add_row(name_text, *cells[: len(right)])
        shown += [table, Text("")]
    return shown


def check_answer(found: ScoreCheck) -> str:
    """How good quality is, and which rule leaves most, in words."""
    spearman = found.correlations.pivot(index="layer", columns="score", values="spearman")
    scores = spearman.drop(columns="ceiling")
    best = int((scores["quality"] >= scores.max(axis=1)).sum())
    images = count(found.images, "image")
    said = (
        f"Spearman: rank correlation of a score, from {images} (SNR, noise, field norm: from those of the analysis), "
        f"with the rise of the loss on {found.images:,} others when one filter is silenced.\n"
        f"{_against_ceiling(spearman)} It is the best score in {best} of {count(len(spearman), 'layer')}"
    )
    if found.halves.empty:
        return f"{said}."
    halves = found.halves.pivot(index="layer", columns="rule", values="accuracy").drop(columns="whole network")
    wins = halves.eq(halves.max(axis=1), axis=0).sum()
    rule = _NAMES.get(wins.idxmax(), wins.idxmax())
    left = f"the {rule} leaves most in {count(int(wins.max()), 'layer')}, ties included"
    return f"{said}; with half of a layer silenced (half kept: the accuracy then) {left}."


def _against_ceiling(spearman: pd.DataFrame) -> str:
    """Quality beside the best that could be expected."""
    ceiling = spearman["ceiling"].median()
    said = (
        f"Quality reaches {spearman['quality'].median():.2f} (median over layers) where the ceiling is {ceiling:.2f}."
    )
    if ceiling < _LOW_CEILING:
        said += " So low a ceiling means that one filter costs too little to be seen on so few images: give more."
    return said
