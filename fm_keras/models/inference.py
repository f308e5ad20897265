"""Layers as they act in inference, and without any trace of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

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


def without_updates() -> AbstractContextManager:
    """Scope for compiled calls of a copy in which nothing that its layers assign has an effect.

    A layer that draws without a seed takes the next number of Keras' global generator, which is that of the model too;
    a function in a Lambda layer is the model's own, with all that it holds.
    """
    # On JAX all that is compiled is without effects; this scope would hide the weights that are passed in there.
    return keras.StatelessScope() if keras.backend.backend() == "tensorflow" else nullcontext()
