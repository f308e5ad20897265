"""fm-keras plot RUN complexity: of a run layer by layer, of a sweep against what its networks differ in."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

from fm_keras.complexity import join_trials
from fm_keras.errors import InvalidInput
from fm_keras.runs import COMPLEXITY, Run
from fm_keras.scaling.sweeping.folder import SweepFolder, SweepRecord, read_table
from fm_keras_cli.numbers import listed
from fm_keras_cli.report import run_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBERS = ("width", "samples", "labels", "ratio")
_KINDS = ("batch_norm", "model")


def draw_complexity(plots: ModuleType, run: str, root: Path, over: str | None = None) -> tuple[str, Figure, list[str]]:
    """Name of the run or sweep, the figure, and what it is drawn against.

    Args:
        plots: `fm_keras.reports.plots`.
        run: name, path or latest, or the folder of a sweep.
        root: where runs lie.
        over: what the networks of a sweep differ in; the first such if None.

    Raises:
        InvalidInput: no complexity was measured, or nothing differs so.
    """
    sweep = SweepFolder(Path(run))
    if sweep.record.is_file():
        return _of_sweep(plots, sweep, over)
    opened = Run.open(run, root)
    if over:
        raise InvalidInput(f"{opened.name} holds one network: --over is for the folder of a sweep.")
    if not (opened.path / COMPLEXITY).is_dir():
        raise InvalidInput(f"{opened.name} has no complexity yet. Measure it: fm-keras complexity {run_words(opened)}")
    table = pd.read_csv(opened.read_stage(COMPLEXITY).layers)
    return opened.name, plots.complexity_curves(table, opened.record.data.name), []


def _of_sweep(plots: ModuleType, sweep: SweepFolder, over: str | None) -> tuple[str, Figure, list[str]]:
    if not sweep.table(COMPLEXITY).is_file():
        raise InvalidInput(f"{sweep.path} has no complexity: it is measured by fm-keras sweep ... --measure complexity")
    table = join_trials(read_table(sweep.path, COMPLEXITY), read_table(sweep.path, "trials"))
    axes = [name for name in (*_NUMBERS, *_KINDS) if table[name].nunique() > 1]
    over = over or next(iter(axes), "model")
    if over != "model" and over not in axes:
        raise InvalidInput(f"The networks of {sweep.path} do not differ in {over!r}. They do in: {listed(axes)}.")
    data = SweepRecord.read(sweep.record, "").data.name
    if over in _KINDS:
        return sweep.path.name, plots.complexity_curves(table, data, by=over), [over]
    return sweep.path.name, plots.complexity_course(table, data, over=over), [over]
