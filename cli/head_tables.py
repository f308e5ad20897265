"""Attention heads in the terminal: a table of all, and the matrix of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from fm_keras_cli.matrix import Matrix
from fm_keras_cli.numbers import count, decimals, figures
from fm_keras_cli.tables import TEAL, YELLOW, clusters_text, new_table, one_line
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from fm_keras.analysis import Analysis, HeadAnalysis

_NAMED = 3
_WIDE = 100


def show_heads(terminal: Terminal, measured: HeadAnalysis, kept: Path | None) -> None:
    """A row for each head, and the answer in words.

    Args:
        terminal: where to.
        measured: the heads.
        kept: where they lie, if they do.
    """
    table, holders, said = measured.table(), measured.holders(), heads_answer(measured.heads)
    terminal.hint("")
    terminal.result(
        {"label_names": measured.heads.label_names, "answer": said, "heads": table, "holders": holders},
        _head_table(table, holders, measured.heads.label_names, terminal.out.width),
        Text(f"\n{said}"),
    )
    if terminal.out.width >= _WIDE:
        terminal.hint("Most nodes: which labels the most nodes of the head hold in their own clusters.")
    if kept:
        terminal.hint(f"Saved in {kept}.  --layers L --head N shows the matrix of one.")


def show_head(terminal: Terminal, measured: HeadAnalysis, layer: str, number: int) -> None:
    """The matrix of one head."""
    view = measured.head(layer, number)
    matrix = Matrix(view.above, view.cluster_of, view.label_names, view.threshold)
    row = view.row.rename({"filter": "head"}).to_dict()
    terminal.result(
        {
            "layer": layer,
            **row,
            "label_names": view.label_names,
            "cluster_of": view.cluster_of,
            "fields": view.field,
        },
        Text(f"{view.title}, {view.said}\n"),
        matrix.draw(terminal.out.width),
    )


def heads_answer(heads: Analysis) -> str:
    """How many labels a head holds and how many heads hold a label, in the last layer; and SNR from the first to it."""
    first, last = heads.measured[0], heads.measured[-1]
    homogeneity, labels = last.homogeneity, len(heads.label_names)
    said = (
        f"In {last.layer} a head holds {figures(last.table['signal'].mean())} of {labels} labels on average, and a "
        f"label is held by {homogeneity.least} to {homogeneity.most} of {count(len(last), 'head')}"
    )
    snr = heads.layers()["snr"]
    if len(heads) == 1:
        return f"{said}; SNR is {figures(snr.iloc[0])}."
    return f"{said}; from {first.layer} on SNR goes from {figures(snr.iloc[0])} to {figures(snr.iloc[-1])}."


def _head_table(heads: pd.DataFrame, holders: pd.DataFrame, label_names: tuple[str, ...], width: int) -> Table:
    wide = width >= _WIDE
    table = new_table(left=("layer",), right=("head",))
    table.columns[0].no_wrap = True
    for name in ("labels", "most nodes") if wide else ("labels",):
        table.add_column(name)
    for name in ("signal", "noise", "SNR"):
        table.add_column(name, justify="right", no_wrap=True)
    for (_, row), (_, held) in zip(heads.iterrows(), holders.iterrows()):
        labels = Text("dead") if row["dead"] else Text(clusters_text(row["labels"], label_names), TEAL)
        table.add_row(
            row["layer"],
            str(row["head"]),
            labels,
            *([_most_held(held, label_names, row["nodes"])] if wide else []),
            f"{row['signal']:,}",
            Text(f"{row['external_noise']:,}", YELLOW if row["external_noise"] else ""),
            decimals(row["snr"], 2),
        )
    return table


def _most_held(held: pd.Series, label_names: tuple[str, ...], nodes: int) -> str:
    """ship: 9, cat: 7, dog: 6 of 16."""
    counts = held.iloc[2:].to_numpy()  # labels may be called as the columns before theirs
    order = (-counts).argsort(kind="stable")[:_NAMED]
    named = ", ".join(f"{one_line(label_names[label])}: {counts[label]}" for label in order if counts[label])
    return f"{named or 'none'} of {nodes}"
