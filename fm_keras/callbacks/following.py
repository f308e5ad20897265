"""Frozen copies that take over a model's weights again and again, so that a graph is traced once, not every epoch."""

from __future__ import annotations

import keras
import numpy as np

from fm_keras.models.graph import flat_name, walk


class Follower:
    """Brings the weights of a model that is being trained to a frozen copy of it.

    Args:
        model: the one that is trained; only read.
        copy: made of it by `fm_keras.models.graph.rebuild`, which names layers by their paths.
    """

    def __init__(self, model: keras.Model, copy: keras.Model) -> None:
        copies = {layer.name: layer for layer in copy.layers}
        self._pairs: dict[int, tuple[keras.Layer, keras.Layer]] = {}
        for call in walk(model).calls:
            found = copies.get(flat_name(call.path))
            if isinstance(call.layer, keras.Layer) and found is not None:
                self._pairs.setdefault(id(call.layer), (call.layer, found))

    def take_weights(self) -> None:
        """Give the copy the weights that the model has now."""
        for layer, copy in self._pairs.values():
            # Copied: on JAX the next training step gives away the memory that these arrays may look into.
            copy.set_weights([np.array(weights) for weights in layer.get_weights()])
