"""fm-keras plot SWEEP WHAT: the pictures of a sweep, from its rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fm_keras.scaling import read_sweep
from fm_keras.scaling.sweeping.folder import SweepFolder, SweepRecord
from fm_keras_cli.sweep_findings import Findings
from fm_keras_cli.sweep_pictures import draw_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_sweep_folder(folder: str, what: str) -> tuple[str, Figure, list[str]]:
    """Name of the sweep, and one of its figures.

    Args:
        folder: of a sweep, such as sweeps/cifar10-lenet.
        what: the figure, see `fm_keras_cli.sweep_pictures.FIGURES`.

    Raises:
        BadRun: there is no sweep.
        InvalidInput: it has nothing to draw as this.
    """
    sweep = SweepFolder(Path(folder))
    rows = read_sweep(sweep.path)
    name = sweep.path.resolve().name
    data = SweepRecord.read(sweep.record, "").data.name if sweep.record.exists() else name
    return name, draw_sweep(Findings(data, rows), what), []
