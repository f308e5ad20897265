"""Copies of single layers: made again from their config, their weights set afterwards."""

from __future__ import annotations

import random
from collections.abc import Mapping
from inspect import Parameter, signature
from textwrap import shorten
from typing import Any

import keras

from fm_keras.errors import CannotCut, InvalidInput


def copy_layer(layer: keras.Operation, *, path: str, changes: Mapping[str, Any] | None = None) -> keras.Operation:
    """A layer made again from its config, without its weights.

    Args:
        layer: left as it was.
        path: what it is called where it cannot be copied.
        changes: entries of its config that are others in the copy.

    Raises:
        CannotCut: it cannot be made again from its config.
    """
    if isinstance(layer, keras.layers.Lambda):  # its config holds no function that Python could name
        return keras.layers.Lambda(layer.function, arguments=layer.arguments, dtype=layer.dtype_policy, name=layer.name)
    left_out = _untaken(layer)
    try:
        config = {**layer.get_config(), **(changes or {})}
        copy = _from_config(layer, {name: value for name, value in config.items() if name not in left_out})
    except (NotImplementedError, TypeError, ValueError) as error:
        # Keras wraps what `__init__` said into several lines.
        reason = shorten(str(error.__context__ or error), 160, placeholder=" ...")
        raise CannotCut(
            f"Layer {path!r} ({type(layer).__name__}) cannot be copied from its config: {reason.rstrip('.')}. "
            "Its get_config() must return exactly what its __init__ takes."
        ) from error
    if "name" in left_out:
        copy.name = layer.name
    if "dtype" in left_out and isinstance(layer, keras.Layer):
        copy.dtype_policy = layer.dtype_policy
    return copy


def built_copy(model: keras.Sequential, image_shape: tuple[int, ...]) -> keras.Sequential:
    """A Sequential that is not built yet, made again for images of some shape, with weights of its own.

    Raises:
        CannotCut: a layer cannot be made again from its config.
        InvalidInput: a layer does not take what it would get.
    """
    before = random.getstate()
    layers = [copy_layer(layer, path=layer.name) for layer in model.layers]
    random.setstate(before)  # whence Keras' global generator, made when a layer first draws, has its seed
    try:
        return keras.Sequential([keras.Input(image_shape), *layers], name=model.name)
    except ValueError as error:
        reason = shorten(str(error), 200, placeholder=" ...").rstrip(".")
        raise InvalidInput(
            f"Model {model.name!r} cannot be built for images of shape {image_shape}: {reason}. Resize the images, or "
            "give the model a keras.Input."
        ) from error


def copy_weights(layer: keras.Layer, copy: keras.Layer) -> None:
    """Give a built copy what its layer has learned."""
    copy.set_weights(layer.get_weights())
    if isinstance(copy, keras.layers.Normalization):
        copy.mean, copy.variance = layer.mean, layer.variance  # what acts, kept beside the weights


def _from_config(layer: keras.Operation, config: dict[str, Any]) -> keras.Operation:
    """The layer of a config; where that is refused, of what an `__init__` names (KerasHub's ViT has more)."""
    try:
        return type(layer).from_config(config)
    except (TypeError, ValueError):
        named = {name for each in type(layer).__mro__ for name in signature(each.__init__).parameters}
        if not config.keys() - named:
            raise
        return type(layer).from_config({name: value for name, value in config.items() if name in named})


def _untaken(layer: keras.Operation) -> set[str]:
    """What Keras puts into every config and a layer of the user's does not take, having no **options."""
    parameters = signature(type(layer).__init__).parameters
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values()):
        return set()
    return {"name", "trainable", "dtype"}.difference(parameters)
