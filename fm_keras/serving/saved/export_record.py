"""fm_keras.json beside an exported model: what was exported, from what, and what can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import keras
from pydantic import BaseModel, ConfigDict, Field

from fm_keras.analysis import Analysis
from fm_keras.hashes import folder_hashes, model_hash
from fm_keras.records import Record, versions
from fm_keras.settings import AnalysisSettings, ProbeSettings

RECORD_FILE = "assets.extra/fm_keras.json"


class LayerRecord(BaseModel):
    """One layer that can be asked for; its place in the list is its layer_index."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    layer: str
    units: int
    positions: str


class ExportRecord(Record):
    """fm_keras.json."""

    kind: Literal["export"] = "export"
    name: str
    """under which it is served"""
    model: str
    """content hash of the network"""
    data: str
    """name of the data set the filters were measured on"""
    images: int
    """over which their fields are averaged"""
    label_names: tuple[str, ...]
    output_names: tuple[str, ...]
    layers: tuple[LayerRecord, ...]
    settings: AnalysisSettings
    probe: ProbeSettings | None
    signatures: dict[str, dict[str, dict[str, str]]]
    """name -> inputs and outputs -> name -> type and shape"""
    files: dict[str, str]
    """SHA-256 of every other file by its path"""
    versions: dict[str, str] = Field(default_factory=versions)


def write_record(
    folder: Path, name: str, model: keras.Model, analysis: Analysis, output_names: tuple[str, ...], loaded: Any
) -> None:
    """Write fm_keras.json for the other files of a version.

    Args:
        folder: of the version.
        name: of the model on the server.
        model: the network.
        analysis: of its filters.
        output_names: of the network's outputs.
        loaded: the SavedModel, read again.
    """
    ExportRecord(
        name=name,
        model=model_hash(model),
        data=analysis.data,
        images=analysis.images,
        label_names=analysis.label_names,
        output_names=output_names,
        layers=tuple(LayerRecord(layer=each.layer, units=len(each), positions=each.map) for each in analysis),
        settings=analysis.settings,
        probe=analysis.probe,
        signatures={key: _tensors(function) for key, function in loaded.signatures.items()},
        files=folder_hashes(folder),
    ).write(folder / RECORD_FILE)


def read_record(folder: Path) -> ExportRecord:
    """The record of a version.

    Raises:
        BadRun: it is missing, damaged or of another format.
    """
    return ExportRecord.read(folder / RECORD_FILE, "Export the model again.")


def _tensors(function: Any) -> dict[str, dict[str, str]]:
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    named = {"inputs": inputs, "outputs": outputs}
    return {
        which: {name: f"{spec.dtype.name} {_shape(spec)}" for name, spec in tensors.items()}
        for which, tensors in named.items()
    }


def _shape(spec: Any) -> str:
    return f"[{', '.join('N' if axis == 0 else str(side or '?') for axis, side in enumerate(spec.shape))}]"
