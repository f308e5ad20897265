"""fm-keras sweep: networks of many widths, and what a wider one would gain."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from fm_keras.settings import (
    AnalysisSettings,
    ComplexitySettings,
    DataSettings,
    ProbeSettings,
    SweepSettings,
    TrainSettings,
)
from fm_keras_cli.command import Command, plan_option, reporting
from fm_keras_cli.options import given, settings_options
from fm_keras_cli.terminal import Terminal

SWEEPS = "sweeps"
sweeps_dir_option = click.option(
    "--sweeps-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=SWEEPS,
    show_default=True,
    help="folder of sweeps",
)


@click.command(cls=Command)
@settings_options(
    DataSettings,
    SweepSettings,
    TrainSettings,
    ProbeSettings,
    AnalysisSettings,
    ComplexitySettings,
    without=("seed", "pairs", "devices"),
)
@click.option("--equal-macs", is_flag=True, help="every ratio gets the widths that cost as much as --widths do")
@click.option("--build", metavar="FUNCTION", help="your own networks: module:function or file.py:function of the width")
@click.option(
    "--import",
    "imported",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="take in rows made elsewhere, a .csv with model, width, error; nothing is trained unless an axis is given",
)
@click.option("--name", help="name of the sweep (default: data set and models, as cifar10-lenet)")
@sweeps_dir_option
@plan_option
@reporting
def sweep(
    *,
    terminal: Terminal,
    equal_macs: bool,
    build: str | None,
    imported: Path | None,
    name: str | None,
    sweeps_dir: Path,
    plan: bool,
) -> None:
    """Say how much a wider network would gain: train many, fit laws.

    Each trial is a process of its own.  Rows are kept as they finish; the same command again trains only what is
    missing, and more widths or seeds may be asked for later.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.plan import plan_fetching
    from fm_keras_cli.sweep_plan import show_sweep_plan
    from fm_keras_cli.sweep_report import show_imported, show_sweep
    from fm_keras_cli.sweep_stage import asked_sweep

    if plan and plan_fetching(terminal):
        return
    sys.path.insert(0, "")  # modules of the user's lie in the current folder, where workers look too
    began = time.monotonic()
    load_backend(terminal)
    startup = time.monotonic() - began
    asked = asked_sweep(sweeps_dir, name, build=build, equal_macs=equal_macs)
    if imported and not plan:
        show_imported(terminal, asked, imported)
    if imported and not given(SweepSettings) and build is None:
        return show_sweep(terminal, asked.found(), asked.to)
    if plan:
        return show_sweep_plan(terminal, asked, startup)
    terminal.hint(asked.header, "")
    show_sweep(terminal, asked.run(terminal), asked.to)
