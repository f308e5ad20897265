"""Which connections of a model shall be zero: masks that can be looked at, edited, saved and held through training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from fm_keras.errors import BadRun, InvalidInput
from fm_keras.files import load_arrays, save_arrays
from fm_keras.hashes import model_hash
from fm_keras.pruning.masks.connections import check_masks, connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.records import Record

_AGAIN = "Make the masks again."


@dataclass(frozen=True, eq=False)
class ConnectionMasks:
    """Which connections of one model stay, layer by layer.  Arrays are read-only.

    A connection is the slice of a layer's kernel from one channel that it reads to one unit that it puts out.  A mask
    makes its weights zero, which removes no arithmetic: for units that can go then, see `units_without_output`.
    """

    model: str
    """hash of the model, as `fm_keras.hashes.model_hash` takes it"""
    masks: Mapping[str, np.ndarray]
    """path of each masked layer's first call -> (channels read, units put out) bool: whether a connection stays.  In a
    grouped convolution the channels are those of one group, in a separable one those after its depthwise kernel"""
    weights: Mapping[str, int]
    """path -> weights of one connection"""
    whole: Mapping[str, str] = field(default_factory=dict)
    """path of each layer that is left whole -> why"""
    origin: str = "given"
    """how the masks were made, in words"""

    def __post_init__(self) -> None:
        for mask in self.masks.values():
            mask.flags.writeable = False

    def dilution(self) -> pd.DataFrame:
        """One row per masked layer.

        layer; connections: how many there are; kept: how many stay; dilution: share that is cut; weights: of the
        kernel; weights_cut: how many of them become zero.

        Source: dilution, Phys. Rev. E 111, 065307 (2025).
        """
        rows = []
        for path, mask in self.masks.items():
            kept, each = int(mask.sum()), self.weights[path]
            cut = mask.size - kept
            rows.append((path, mask.size, kept, cut / mask.size, mask.size * each, cut * each))
        return pd.DataFrame(rows, columns=["layer", "connections", "kept", "dilution", "weights", "weights_cut"])

    @property
    def total_dilution(self) -> float:
        """Share of the connections of all masked layers that is cut; 0 if none is masked."""
        return dilution_of(self.masks)

    def check(self, model: keras.Model) -> None:
        """Refuse any model but the one that the masks were made for.

        Raises:
            InvalidInput: another config or other weights, or a mask that does not fit.
        """
        found = model_hash(model)
        if found != self.model:
            raise InvalidInput(
                f"The masks were made for another model than {model.name!r}: expected hash {self.model[:12]}, found "
                f"{found[:12]}. Make them again, or take connection_masks(model, masks.masks) for this one."
            )
        check_masks(model, connections_of(Dependencies(model)), self.masks)

    def save(self, folder: str | Path) -> None:
        """Write masks.npz with the masks, and masks.json, which names the model and says how they were made.

        The arrays are what counts: who edits them edits the masks.

        Args:
            folder: made if need be; each file is written beside and renamed, masks.json last.

        Raises:
            BadRun: no space or no permission.
        """
        save_arrays(Path(folder) / "masks.npz", self.masks)
        layers = {
            path: MaskedLayer(shape=mask.shape, weights=self.weights[path], cut=int((~mask).sum()))
            for path, mask in self.masks.items()
        }
        record = MasksRecord(model=self.model, origin=self.origin, layers=layers, whole=dict(self.whole))
        record.write(Path(folder) / "masks.json")


class MaskedLayer(BaseModel):
    """One layer of masks.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shape: tuple[int, int]
    """channels read, units put out"""
    weights: int
    """weights of one connection"""
    cut: int
    """connections that were cut when the file was written: to read, nothing hangs on it"""


class MasksRecord(Record):
    """masks.json: the model of some masks, their layers, and what was left whole."""

    kind: Literal["connection masks"] = "connection masks"
    model: str
    origin: str
    layers: dict[str, MaskedLayer]
    whole: dict[str, str]


def connection_masks(
    model: keras.Model,
    masks: Mapping[str, np.ndarray],
    *,
    whole: Mapping[str, str] | None = None,
    origin: str = "given",
) -> ConnectionMasks:
    """Masks for a model, checked against it.

    Args:
        model: Functional or built Sequential; left as it was.
        masks: by path of the layer, bool (channels read, units put out): whether a connection stays.  All layers with
            a kernel whose last two axes are these can be masked: Dense, convolutions, also transposed, grouped
            (channels of one group) and separable (the pointwise kernel), but no depthwise kernels.
        whole: why layers are left whole, by path, to be kept with the masks.
        origin: how the masks were made, in words.

    Raises:
        InvalidInput: an unknown layer, or a mask of another shape or dtype.
        CannotCut: no layer of the model can be cut.
    """
    connected = connections_of(Dependencies(model))
    copies = {path: np.array(mask) for path, mask in masks.items()}
    check_masks(model, connected, copies)
    weights = {path: connected[path].weights for path in copies}
    return ConnectionMasks(model_hash(model), copies, weights, dict(whole or {}), origin)


def load_masks(folder: str | Path) -> ConnectionMasks:
    """Read saved masks.

    Raises:
        BadRun: a file is missing, damaged or of another format, or a mask has another shape or dtype than it had.
    """
    path = Path(folder) / "masks.json"
    record = MasksRecord.read(path, _AGAIN)
    arrays = load_arrays(path.with_name("masks.npz"), tuple(record.layers))
    for layer, each in record.layers.items():
        mask = arrays[layer]
        if mask.shape != each.shape or mask.dtype != bool:
            raise BadRun(
                f"{path.with_name('masks.npz')}: expected a bool mask of {layer!r} of shape {each.shape}, found "
                f"{mask.dtype} of shape {mask.shape}. {_AGAIN}"
            )
    weights = {layer: each.weights for layer, each in record.layers.items()}
    masks = {layer: arrays[layer] for layer in record.layers}
    return ConnectionMasks(record.model, masks, weights, record.whole, record.origin)


def dilution_of(masks: Mapping[str, np.ndarray]) -> float:
    """Share of all connections that masks cut; 0 without any."""
    connections = sum(mask.size for mask in masks.values())
    return sum(int((~mask).sum()) for mask in masks.values()) / connections if connections else 0.0
