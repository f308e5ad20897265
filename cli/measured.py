"""Analyses and networks that are on disk: in a run, or in a folder or file of the user's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fm_keras.runs import ANALYSIS, Run, StageFolder
from fm_keras_cli.train_stage import read_trained

if TYPE_CHECKING:
    import keras

    from fm_keras.analysis import Analysis


def open_analysis(run: str, root: Path) -> tuple[str, Analysis]:
    """The analysis of a run, or that of a folder which holds nothing else; and its name."""
    from fm_keras.analysis import load_analysis

    if StageFolder(Path(run)).analysis.is_file():
        return Path(run).name, load_analysis(Path(run))
    opened = Run.open(run, root)
    return opened.name, load_analysis(opened.read_stage(ANALYSIS).path)


def open_model(model: str, root: Path, modules: Sequence[str]) -> tuple[keras.Model, Run | None]:
    """A network from a .keras file, or the trained network of a run, and that run."""
    from fm_keras.models import read_model

    sys.path.insert(0, "")  # modules of the user's lie in the current folder, where python -m looks too
    if Path(model).suffix == ".keras" or Path(model).is_file():
        return read_model(model, modules=modules), None
    run = Run.open(model, root)
    return read_trained(run), run
