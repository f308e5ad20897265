"""Preprocessing by name: that of a network of keras.applications, or a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import keras

from fm_keras.errors import InvalidInput


def read_preprocess(name: str) -> Callable[[Any], Any]:
    """The function that prepares images for a network.

    Args:
        name: a module of keras.applications, such as 'efficientnet' or 'resnet50', for its `preprocess_input`; or
            'module:function' for one of the user's, which takes a batch of images and returns it prepared.

    Raises:
        InvalidInput: neither; the message lists the networks.
    """
    module, colon, function = name.partition(":")
    if colon:
        return _own_function(module, function)
    if name not in preprocess_names():
        raise InvalidInput(
            f"There is no preprocessing {name!r}. Give module:function, or one of keras.applications: "
            f"{', '.join(preprocess_names())}."
        )
    return getattr(keras.applications, name).preprocess_input


def preprocess_names() -> list[str]:
    """Modules of keras.applications that prepare images for their networks."""
    modules = {name: getattr(keras.applications, name) for name in dir(keras.applications)}
    return [name for name, each in modules.items() if hasattr(each, "preprocess_input") and name != "imagenet_utils"]


def _own_function(module: str, function: str) -> Callable[[Any], Any]:
    try:
        found = getattr(import_module(module), function, None)
    except (ImportError, ValueError) as error:  # ValueError: an empty name
        raise InvalidInput(f"Module {module!r} cannot be imported: {error}.") from error
    if not callable(found):
        raise InvalidInput(f"Module {module!r} has no function {function!r}. Give module:function.")
    return found
