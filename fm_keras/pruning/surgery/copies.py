"""An independent copy of a model, nested models included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from fm_keras.models.copying import copy_layer
from fm_keras.models.graph import walk


def copy_model(
    model: keras.Model, *, changes: Callable[[keras.Operation], Mapping[str, Any]] = lambda layer: {}
) -> keras.Model:
    """The same layers in the same nested models, with the same weights and trainable flags, not compiled.

    Args:
        model: Functional or built Sequential; left as it was.
        changes: entries of a layer's config that are others in the copy.

    Raises:
        CannotCut: a layer cannot be made again from its config.
    """
    copy = keras.models.clone_model(
        model, clone_function=lambda layer: copy_layer(layer, path=layer.name, changes=changes(layer)), recursive=True
    )
    copy.set_weights(model.get_weights())
    for call in walk(copy).calls:
        if isinstance(call.layer, keras.layers.Normalization):
            call.layer.finalize_state()  # what acts is kept beside the weights
    return copy
