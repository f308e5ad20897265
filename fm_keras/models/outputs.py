"""The outputs of a model by name, and the model of one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import keras

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import walk


def choose_output(model: keras.Model, output: str) -> keras.Model:
    """The part of a model that makes one of its outputs, from the same inputs.

    Args:
        model: Functional or Sequential; left as it was.
        output: name of the output, see `named_outputs`.

    Returns:
        A model with this output alone.  It shares layers and weights with `model`, and their paths are the same.

    Raises:
        InvalidInput: no such output; the message lists them.
        CannotCut: the model has no graph of calls.

    Example:
        >>> import keras
        >>> x = keras.Input((4,))
        >>> heads = {"kind": keras.layers.Dense(3)(x), "size": keras.layers.Dense(1)(x)}
        >>> choose_output(keras.Model(x, heads), "kind").output_shape
        (None, 3)
    """
    outputs = named_outputs(model)
    if output not in outputs:
        raise InvalidInput(f"Model {model.name!r} has no output {output!r}. It has: {describe_outputs(model)}.")
    return model if len(outputs) == 1 else keras.Model(model.input, outputs[output], name=model.name)


def named_outputs(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """Outputs of a model by name.

    Names are the keys of a model that puts out a dict, 'head/kind' where dicts or lists are nested in it.  Else they
    are the paths of the layers that make the outputs; a path that makes several, or an input that is put out, is named
    by its number among the outputs.
    """
    if isinstance(getattr(model, "output", None), dict):
        return _by_key(model.output)
    graph = walk(model)
    makers = {key: call.path for call in graph.calls for key in call.outputs}
    paths = [makers.get(key) for key in graph.outputs]
    often = Counter(paths)
    names = [path if path and often[path] == 1 else str(number) for number, path in enumerate(paths)]
    return dict(zip(names, model.outputs))


def describe_outputs(model: keras.Model) -> str:
    """species (None, 3), size (None, 1)."""
    return ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in named_outputs(model).items())


def _by_key(outputs: Any, name: str = "") -> dict[str, keras.KerasTensor]:
    """Tensors of nested dicts and lists by their keys, one behind the other."""
    if isinstance(outputs, keras.KerasTensor):
        return {name: outputs}
    parts = outputs.items() if isinstance(outputs, Mapping) else enumerate(outputs)
    inner = [_by_key(each, f"{name}/{key}" if name else str(key)) for key, each in parts]
    return {name: tensor for each in inner for name, tensor in each.items()}
