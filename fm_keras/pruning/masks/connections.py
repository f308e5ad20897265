"""The connections of a layer: one slice of its kernel for every channel it reads and every unit it puts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

import keras
import numpy as np
from keras import ops

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.layer_kinds import kind_of
from fm_keras.pruning.surgery.unit_flow import Passage

CONSTRAINT_OF = {"kernel": "kernel_constraint", "pointwise_kernel": "pointwise_constraint"}
"""entry of a layer's config that holds the constraint of each weight"""
_CONNECTING = ("mix", "grouped")


@dataclass(frozen=True, eq=False)
class Connections:
    """The kernel of one layer of dense, convolutional, transposed, grouped or separable connections."""

    calls: tuple[Call, ...]
    """all calls of the layer, which share the kernel"""
    passages: tuple[Passage, ...]
    """how units go through each"""
    weight: str
    """name of the weight: kernel, or pointwise_kernel of a separable convolution"""
    turned: bool
    """whether its last axes are (put out, read), as in a transposed convolution"""

    @property
    def path(self) -> str:
        """Path of the first call, which names the layer."""
        return self.calls[0].path

    @property
    def layer(self) -> keras.Layer:
        """The layer."""
        return self.calls[0].layer

    @property
    def kernel(self) -> keras.Variable:
        """The weight itself."""
        return getattr(self.layer, self.weight)

    @property
    def constraint(self) -> str:
        """Entry of the layer's config, and its attribute, that holds the constraint of the kernel."""
        return CONSTRAINT_OF[self.weight]

    @property
    def shape(self) -> tuple[int, int]:
        """Channels read and units put out.

        In a grouped convolution, channels of one group; in a separable one, after the depthwise kernel.
        """
        *_, rows, columns = self.kernel.shape
        return (columns, rows) if self.turned else (rows, columns)

    @property
    def weights(self) -> int:
        """Weights of one connection: height times width of the kernel."""
        return prod(self.kernel.shape[:-2])

    @property
    def read(self) -> np.ndarray:
        """(channels, units put out) number of the channel, among all that the layer reads, behind each connection."""
        rows, columns = self.shape
        group = np.arange(columns) // (columns // getattr(self.layer, "groups", 1))
        return (np.arange(rows)[:, None] + rows * group) // getattr(self.layer, "depth_multiplier", 1)

    def slices(self) -> np.ndarray:
        """(weights, channels, units put out) float32 values of the kernel."""
        values = ops.convert_to_numpy(self.kernel).astype(np.float32)
        values = values.reshape(-1, *values.shape[-2:])
        return values.swapaxes(1, 2) if self.turned else values

    def oriented(self, mask: np.ndarray) -> np.ndarray:
        """A mask (channels, units put out) in the order of the kernel's last two axes."""
        return mask.T if self.turned else mask


def connections_of(found: Dependencies) -> dict[str, Connections]:
    """Connections of all layers that have some, by path of the layer's first call."""
    calls_of: dict[int, list[Call]] = {}
    for call in found.graph.calls:
        calls_of.setdefault(id(call.layer), []).append(call)
    connected = {}
    for calls in calls_of.values():
        passages = [found.flow.passages.get(call.path) for call in calls]
        if all(_connects(passage) for passage in passages):
            (weight, axes), *_ = [item for item in passages[0].kind.weights.items() if item[0] in CONSTRAINT_OF]
            connected[calls[0].path] = Connections(tuple(calls), tuple(passages), weight, axes[0] == "out")
    return connected


def without_connections(found: Dependencies) -> dict[str, str]:
    """Why other layers with a kernel have no connections to be masked, by path of the first call.

    Depthwise convolutions are left out: they connect no two units.
    """
    reasons, seen = {}, {id(each.layer) for each in connections_of(found).values()}
    for call in found.graph.calls:
        kind = kind_of(call)
        unknown = isinstance(kind, str) and any(len(weight.shape) > 1 for weight in getattr(call.layer, "weights", ()))
        if id(call.layer) not in seen and (unknown or (not isinstance(kind, str) and kind.flow in _CONNECTING)):
            seen.add(id(call.layer))
            reasons[call.path] = kind if unknown else f"{call.path} reads along another axis than that of units"
    return reasons


def check_masks(model: keras.Model, connected: Mapping[str, Connections], masks: Mapping[str, np.ndarray]) -> None:
    """Refuse masks that do not fit a model's connections.

    Raises:
        InvalidInput: an unknown layer, or a mask of another shape or dtype.
    """
    choose_connections(model, connected, masks)
    for path, mask in masks.items():
        if mask.shape != connected[path].shape or mask.dtype != bool:
            rows, columns = connected[path].shape
            raise InvalidInput(
                f"The mask of {path!r} is {mask.dtype} of shape {mask.shape}; it must be bool of shape "
                f"({rows}, {columns}): channels read, units put out."
            )


def choose_connections(
    model: keras.Model, connected: Mapping[str, Connections], layers: Iterable[str] | None
) -> dict[str, Connections]:
    """Connections of some layers; of all if None.

    Raises:
        InvalidInput: a layer without connections; the message lists those that have some.
    """
    chosen = list(connected) if layers is None else [layers] if isinstance(layers, str) else list(layers)
    for path in chosen:
        if path not in connected:
            raise InvalidInput(
                f"Model {model.name!r} has no connections to mask at {path!r}. It has some at: {', '.join(connected)}."
            )
    return {path: each for path, each in connected.items() if path in chosen}


def _connects(passage: Passage | None) -> bool:
    return passage is not None and passage.reads is not None and passage.kind.flow in _CONNECTING
