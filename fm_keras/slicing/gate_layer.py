"""The gate behind every unit of a cut, open unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from fm_keras.errors import InvalidInput
from fm_keras.slicing.cuts import CutPoint


class Gate(keras.layers.Layer):
    """Multiplies the units of a cut by what it is told, and passes them on as they are until then."""

    def __init__(self, cut: CutPoint, name: str | None = None) -> None:
        super().__init__(name=name, autocast=False)
        self.supports_masking = True
        ones = (1,) * len(cut.positions)
        self._shape = (-1, cut.units, *ones) if cut.channels_first else (-1, *ones, cut.units)
        self.values = None

    def call(self, inputs):
        """Activations times the gates (N, U)."""
        if self.values is None:
            return inputs
        return inputs * ops.cast(ops.reshape(self.values, self._shape), inputs.dtype)

    def compute_output_spec(self, inputs):
        """The same shape."""
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def open_gates(cut: CutPoint, silenced: Mapping[str, Sequence[int]] | None) -> np.ndarray:
    """(U,) float32: zero for the units of a cut that are silenced, one for the others."""
    gates = np.ones(cut.units, np.float32)
    gates[list((silenced or {}).get(cut.layer, ()))] = 0
    return gates


def check_silenced(cuts: Sequence[CutPoint], silenced: Mapping[str, Sequence[int]]) -> None:
    """Refuse layers or units that are not there.

    Raises:
        InvalidInput: names them.
    """
    units = {cut.layer: cut.units for cut in cuts}
    for layer, chosen in silenced.items():
        if layer not in units:
            raise InvalidInput(
                f"silenced names layer {layer!r}, which has no gates here. There are: {', '.join(units)}."
            )
        for unit in chosen:
            if not 0 <= unit < units[layer]:
                raise InvalidInput(f"{layer} has units 0 to {units[layer] - 1}; there is no {unit}.")
