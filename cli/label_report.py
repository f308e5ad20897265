"""What the law of labels looks like at the end: a row a number of labels, the fits in words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.text import Text

from fm_keras_cli.numbers import decimals
from fm_keras_cli.sweep_answer import failure_words, label_words
from fm_keras_cli.sweep_findings import Findings
from fm_keras_cli.sweep_report import show_saved_sweep
from fm_keras_cli.sweep_tables import Column, fitting_table
from fm_keras_cli.tables import BLUE, YELLOW, bar
from fm_keras_cli.terminal import Terminal

_MEASURES = {"n_clusters": ("clusters", 2), "cluster_size": ("size", 2), "noise": ("noise", 1), "snr": ("SNR", 2)}


def show_labels(terminal: Terminal, found: Findings, path: Path) -> None:
    """The table of numbers of labels, the laws, the picture.

    Args:
        terminal: where to.
        found: what the sweep found.
        path: its folder.
    """
    said = [*label_words(found.label_laws), *failure_words(found.rows)]
    document = {"path": str(path), "answer": " ".join(said), "labels": found.labels}
    document |= {"laws": found.label_laws, "rows": found.rows}
    terminal.hint("")
    columns = [] if found.done.empty else label_columns(found.labels)
    terminal.result(document, fitting_table(columns, terminal.out.width), Text("\n" + "\n".join(said)))
    show_saved_sweep(terminal, found, path)


def label_columns(table: pd.DataFrame) -> list[Column]:
    """The columns of what was found for each number of labels."""
    top = table["error"].max() or 1.0
    columns = [Column("labels", table["labels"].astype(str).to_list())]
    if (table["seeds"] > 1).any():
        columns.append(Column("seeds", table["seeds"].astype(str).to_list(), 3))
        columns.append(Column("mean error", [decimals(value, 3) for value in table["mean_error"]], 1))
    columns.append(Column("max error", [decimals(value, 3) for value in table["error"]]))
    columns.append(Column("", [bar(value / top) for value in table["error"]], 4, BLUE, left=True))
    for name, (title, places) in _MEASURES.items():
        cells = [decimals(value, places) for value in table[name]]
        columns.append(Column(title, cells, 2 if name == "noise" else 0, YELLOW if name == "noise" else ""))
    return columns
