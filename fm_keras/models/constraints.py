"""A mask that a kernel keeps while it is trained, as Keras knows constraints."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="fm_keras")
class KeepMask(keras.constraints.Constraint):
    """Sets the connections of a kernel that a mask cuts to zero, after every step of the optimizer.

    Args:
        mask: (rows, columns) of the kernel's last two axes, True where a connection stays.
        first: another constraint of the kernel, applied before the mask.
    """

    def __init__(self, mask: np.ndarray, first: keras.constraints.Constraint | None = None) -> None:
        self.mask = np.array(mask, bool)
        self.first = first

    def __call__(self, w: Any) -> Any:
        """The kernel as the other constraint leaves it, masked."""
        return self.masked(w if self.first is None else self.first(w))

    def masked(self, kernel: Any) -> Any:
        """A kernel (..., rows, columns) with exact zeros where the mask cuts, even where it is not finite."""
        values = ops.convert_to_tensor(kernel)  # on JAX `where` takes no variable
        return ops.where(self.mask, values, ops.zeros_like(values))

    def get_config(self) -> dict[str, Any]:
        """The mask as packed bits in base64: a sixth of a byte for each connection."""
        return {
            "shape": list(self.mask.shape),
            "bits": base64.b64encode(np.packbits(self.mask).tobytes()).decode("ascii"),
            "first": keras.constraints.serialize(self.first) if self.first else None,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> KeepMask:
        """The constraint that `get_config` describes."""
        return cls(_unpacked(config["bits"], config["shape"]), keras.constraints.get(config["first"]))


def _unpacked(bits: str, shape: Sequence[int]) -> np.ndarray:
    packed = np.frombuffer(base64.b64decode(bits), np.uint8)
    return np.unpackbits(packed, count=int(np.prod(shape))).astype(bool).reshape(shape)
