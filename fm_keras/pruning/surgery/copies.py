"""An independent copy of a model, nested models included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from fm_keras.errors import CannotCut
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
        model, clone_function=lambda layer: _copy_layer(layer, changes(layer)), recursive=True
    )
    copy.set_weights(model.get_weights())
    for call in walk(copy).calls:
        if isinstance(call.layer, keras.layers.Normalization):
            call.layer.finalize_state()  # what acts is kept beside the weights
    return copy


def _copy_layer(layer: keras.Operation, changes: Mapping[str, Any]) -> keras.Operation:
    if isinstance(layer, keras.layers.Lambda):  # its config holds no function that Python could name
        return keras.layers.Lambda(layer.function, arguments=layer.arguments, name=layer.name)
    try:
        return type(layer).from_config({**layer.get_config(), **changes})
    except (NotImplementedError, TypeError, ValueError) as error:
        raise CannotCut(
            f"Layer {layer.name!r} ({type(layer).__name__}) cannot be copied from its config: its get_config() must "
            "return exactly what its __init__ takes."
        ) from error
