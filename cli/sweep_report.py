"""What a sweep says at the end: the table, the laws in words, where it lies, and what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.text import Text

from fm_keras.scaling.sweeping.folder import SweepFolder
from fm_keras_cli.numbers import count
from fm_keras_cli.sweep_answer import sweep_answer
from fm_keras_cli.sweep_findings import Findings
from fm_keras_cli.sweep_pictures import save_pictures
from fm_keras_cli.sweep_stage import AskedSweep
from fm_keras_cli.sweep_tables import design_table, show_designs
from fm_keras_cli.terminal import Terminal


def show_sweep(terminal: Terminal, found: Findings, path: Path) -> None:
    """The designs, the laws, and the pictures beside the rows.

    Args:
        terminal: where to.
        found: what the sweep found.
        path: its folder.
    """
    said, designs = sweep_answer(found), design_table(found.done)
    laws = [law.as_dict() for law in found.errors + found.noise + found.expenses]
    document = {"path": str(path), "answer": " ".join(said), "designs": designs, "laws": laws}
    document |= {"costs": found.costs, "ratios": found.ratios, "rows": found.rows}
    terminal.hint("")
    shown = [show_designs(designs, terminal.out.width), Text("")] if len(designs) else []
    terminal.result(document, *shown, Text("\n".join(said)))
    show_saved_sweep(terminal, found, path)


def show_imported(terminal: Terminal, asked: AskedSweep, file: Path) -> None:
    """Take in rows that were made elsewhere, and say how many."""
    from fm_keras.scaling import import_rows

    rows = import_rows(file, asked.to)
    terminal.hint(f"{count(len(rows), 'row')} of {file.name} taken into {asked.to}.")


def show_saved_sweep(terminal: Terminal, found: Findings, path: Path) -> None:
    """Draw what can be drawn; where all of it lies."""
    folder, pictures = SweepFolder(path), save_pictures(found, path)
    terminal.hint(Text(f"Rows are in {folder.table('trials')}.", overflow="fold"))
    if pictures:
        terminal.hint(Text(f"Pictures in {path}: {', '.join(pictures)}.", overflow="fold"))
    if folder.table("complexity").exists():
        drawn = f"fm-keras plot {shlex.quote(str(path))} complexity"
        terminal.hint(Text(f"How hard the classes are to tell apart is there, too: {drawn}", overflow="fold"))
