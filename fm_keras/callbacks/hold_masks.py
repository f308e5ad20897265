"""Pruned weights stay zero, in a loop that knows no constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import keras
import numpy as np

from fm_keras.models.constraints import KeepMask
from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.masks.connections import check_masks, connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies


@keras.saving.register_keras_serializable(package="fm_keras")
class HoldMasks(keras.callbacks.Callback):
    """Sets the weights of masked connections to zero when training begins, and after every batch.

    The model needs no constraints, so its file loads without fm_keras.  What it ends in is what
    `fm_keras.pruning.hold_masks` ends in, whose constraints act inside the step; that one is faster, and the one to
    take where the model may be changed before it is compiled.  Unlike there, weights are not zero between the steps
    of one call with `steps_per_execution` above 1.  In a hand-written loop they are zero after each
    `on_train_batch_end`; a loop on JAX that keeps its weights outside the model must mask them itself.

    Args:
        masks: which connections stay, as `fm_keras.pruning` makes them; or by path of the layer, bool
            (channels read, units put out).

    Raises:
        InvalidInput: when training begins, a mask that does not fit the model.
    """

    def __init__(self, masks: ConnectionMasks | Mapping[str, np.ndarray]) -> None:
        super().__init__()
        given = masks.masks if isinstance(masks, ConnectionMasks) else masks
        self.masks = {path: np.array(mask) for path, mask in given.items()}

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check the masks, and apply them."""
        connected = connections_of(Dependencies(self.model))
        check_masks(self.model, connected, self.masks)
        self._held = [
            (connected[path].kernel, KeepMask(connected[path].oriented(mask))) for path, mask in self.masks.items()
        ]
        self._hold()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Apply the masks."""
        self._hold()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Apply the masks, for loops that tell of epochs alone."""
        self._hold()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Apply the masks: an optimizer that keeps averages of weights puts them in place before this."""
        self._hold()

    def _hold(self) -> None:
        _ = self.model  # on JAX this brings the weights up to date in the middle of an epoch
        for kernel, mask in self._held:
            kernel.assign(mask.masked(kernel))

    def get_config(self) -> dict[str, Any]:
        """The masks, packed."""
        return {"masks": {path: KeepMask(mask).get_config() for path, mask in self.masks.items()}}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The callback that `get_config` describes."""
        return cls({path: KeepMask.from_config(each).mask for path, each in config["masks"].items()})
