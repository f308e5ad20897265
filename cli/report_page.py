"""fm-keras report: the analysis of a run as one web page."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from fm_keras.runs import Run, StageFolder
from fm_keras_cli.command import Command, reporting, runs_dir_option
from fm_keras_cli.numbers import file_size
from fm_keras_cli.report import run_words
from fm_keras_cli.terminal import Terminal


@click.command(cls=Command)
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="the page (default: report/report.html in the run, report.html in a folder that is no run)",
)
@runs_dir_option
@reporting
def report(*, terminal: Terminal, run: str, output: Path | None, runs_dir: Path) -> None:
    """Write one web page: layers, filters, every matrix.

    RUN is a name, a path, or latest; it may also be a folder that `fm-keras analyze --to` wrote.  The page is one
    file that needs no network, and stays below 15 MB.
    """
    from rich.text import Text

    page = _of_folder(Path(run), output) if _is_analysis(run) else _of_run(Run.open(run, runs_dir), output)
    size = page.stat().st_size
    terminal.result({"path": str(page), "bytes": size}, Text(f"Report: {page} ({file_size(size)})"))


def _is_analysis(run: str) -> bool:
    return StageFolder(Path(run)).analysis.is_file()


def _of_folder(folder: Path, output: Path | None) -> Path:
    from fm_keras.analysis import load_analysis
    from fm_keras.reports import Origin, write_report

    origin = Origin(folder.resolve().name, f"fm-keras show {shlex.quote(str(folder))}")
    return write_report(load_analysis(folder), output or StageFolder(folder).page, origin=origin)


def _of_run(run: Run, output: Path | None) -> Path:
    from fm_keras.analysis import load_analysis
    from fm_keras.reports import Origin, write_report, write_run_report
    from fm_keras.runs import ANALYSIS

    analysis = load_analysis(run.read_stage(ANALYSIS).path)
    origin = replace(Origin.of(run), command=f"fm-keras show {run_words(run)}")
    if output is None:
        return write_run_report(run, analysis, origin=origin)
    return write_report(analysis, output, origin=origin)
