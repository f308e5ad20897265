"""What `run`, `train` and `analyze` say at the end: the answer, where it lies, and what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from fm_keras.analysis.answer import answer
from fm_keras.filters import best_first
from fm_keras.runs import ROOT, Run
from fm_keras_cli.numbers import file_size
from fm_keras_cli.tables import layer_table
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.analysis import Analysis


def show_measured(terminal: Terminal, analysis: Analysis, saved: dict[str, Any], next_commands: dict[str, str]) -> None:
    """The layer table, the answer in words, and what to do next.

    Args:
        terminal: where to.
        analysis: what was measured.
        saved: what the JSON document says besides; `path` is where the analysis lies.
        next_commands: commands that can be pasted, and what they do.
    """
    layers = analysis.layers()
    terminal.hint("")
    terminal.result(
        {**saved, "answer": answer(layers), "layers": layers},
        layer_table(layers, terminal.out.width),
        Text(f"\n{answer(layers)}"),
    )
    show_saved(terminal, Path(saved["path"]), next_commands)


def show_saved(terminal: Terminal, path: Path, next_commands: dict[str, str]) -> None:
    """Where the result lies, how big it is, and what to do next."""
    terminal.hint(f"Saved in {path} ({file_size(folder_size(path))}).  Next:")
    widest = max(map(len, next_commands))
    for command, why in next_commands.items():
        line = f"  {command:<{widest}}   {why}"
        terminal.hint(Text(line if len(line) <= terminal.err.width else f"  {command}", overflow="fold"))


def ways_to_look(run: Run | None, path: Path, analysis: Analysis) -> dict[str, str]:
    """Commands that show more of an analysis."""
    last = list(analysis)[-1]
    best = best_first(last.table).iloc[0]["filter"]
    shown = f"fm-keras show {run_words(run) if run else shlex.quote(str(path))}"
    layer = shlex.quote(last.layer)
    return {
        f"{shown} --layer {layer}": "its filters, best first",
        f"{shown} --layer {layer} --filter {best}": "the matrix of its best filter",
        shown.replace(" show ", " report ", 1): "all of it as one web page",
    }


def run_words(run: Run) -> str:
    """How a run is named on the command line."""
    root = run.path.parent
    where = "" if root == Path(ROOT) else f" --runs-dir {shlex.quote(str(root))}"
    return f"{shlex.quote(run.name)}{where}"


def folder_size(path: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
