"""Analyses and networks that are on disk: in a run, or in a folder or file of the user's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fm_keras.errors import InvalidInput
from fm_keras.runs import ANALYSIS, Run, StageFolder
from fm_keras.settings import DataSettings
from fm_keras_cli.numbers import listed
from fm_keras_cli.options import given
from fm_keras_cli.train_stage import read_trained

if TYPE_CHECKING:
    import keras

    from fm_keras.analysis import Analysis


def open_analysis(run: str, root: Path, fields: str | None = None) -> tuple[str, Analysis]:
    """The name and analysis of a run, or of a folder which holds nothing else.

    Args:
        run: name, path or latest.
        root: where runs lie.
        fields: probe or network; whatever there is, probe first, if None.

    Raises:
        InvalidInput: these fields were not measured.
    """
    from fm_keras.analysis import load_analysis

    if StageFolder(Path(run)).analysis.is_file():
        name, analysis = Path(run).name, load_analysis(Path(run))
    else:
        opened = Run.open(run, root)
        name, analysis = opened.name, load_analysis(opened.read_stage(ANALYSIS).path)
    held = "probe" if analysis.probe else "network"
    if fields in (None, held):
        return name, analysis
    if fields == "network" and analysis.network is not None:
        return name, analysis.network
    raise InvalidInput(f"{name} holds {held} fields only; measure the others: fm-keras analyze ... --fields both.")


def check_layer(name: str, analysis: Analysis, layer: str) -> None:
    """Raise InvalidInput unless the layer was measured.

    Args:
        name: of the run.
        analysis: its analysis.
        layer: path of the layer.
    """
    if layer not in analysis:
        raise InvalidInput(f"{name} has no layer {layer!r}. It has: {listed([each.layer for each in analysis])}.")


def open_model(
    model: str, root: Path, modules: Sequence[str], *, output: str | None = None
) -> tuple[keras.Model, Run | None]:
    """A network from a .keras file, or the trained network of a run, and that run.

    Args:
        model: the file, or name or path of the run, or latest.
        root: where runs lie.
        modules: to import first, for layers of the user's.
        output: of a network with several outputs, the only one to keep.
    """
    from fm_keras.models import choose_output, read_model

    sys.path.insert(0, "")  # modules of the user's lie in the current folder, where python -m looks too
    if Path(model).suffix == ".keras" or Path(model).is_file():
        network, run = read_model(model, modules=modules), None
    else:
        run = Run.open(model, root)
        network = read_trained(run)
    return (network if output is None else choose_output(network, output)), run


def open_preprocess(preprocess: str | None) -> Callable[[Any], Any] | None:
    """What prepares images, by its name; None if nothing was asked for.

    Args:
        preprocess: as `fm_keras.models.read_preprocess` names it.
    """
    from fm_keras.models import read_preprocess

    return None if preprocess is None else read_preprocess(preprocess)


def data_settings(run: Run | None) -> DataSettings:
    """The images asked for: those of the run unless others are named."""
    asked = given(DataSettings)
    if run is None or "dataset" in asked:
        return DataSettings(**asked)
    return DataSettings(**{**run.record.settings["data"], **asked})
