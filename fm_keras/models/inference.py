"""Layers called one by one, as they act in inference."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import keras


def in_inference(layer: keras.Operation) -> Callable:
    """A layer that is called with training=False, if it takes that.

    Keras' layers that change images at random do so unless they are told otherwise, within a model or not.

    Args:
        layer: of any kind, or an operation.
    """
    if "training" not in inspect.signature(layer.call).parameters:
        return layer
    return lambda *args, **kwargs: layer(*args, **{**kwargs, "training": False})
