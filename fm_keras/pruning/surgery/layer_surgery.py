"""One layer with some of its units cut out of its weights."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from fm_keras.models.graph import Call
from fm_keras.pruning.surgery.unit_flow import Passage


def smaller_layer(call: Call, passage: Passage, gone: np.ndarray) -> keras.Layer:
    """A built layer like that of a call, without some units.

    Args:
        call: the first call of the layer, which is left as it was.
        passage: how units go through it.
        gone: (units of the model,) bool.

    Returns:
        The layer with what is left of its weights; a constant that it read of silent units is in its bias.
    """
    kept = _kept_channels(call, passage, gone)
    config, folded = _smaller_config(call, passage, kept), _folded_bias(call.layer, passage, gone)
    if folded is not None:
        config["use_bias"] = True
    layer = type(call.layer).from_config(config)
    if passage.kind.weights:
        shape = list(call.input_shapes[0])
        if passage.reads is not None:
            shape[passage.axes[0]] = len(kept["in"])
        layer.build(tuple(shape))
    for name, values in _kept_weights(call.layer, passage, kept).items():
        getattr(layer, name).assign(values)
    if folded is not None:
        own = 0 if call.layer.bias is None else ops.convert_to_numpy(call.layer.bias)
        layer.bias.assign((own + folded)[kept["out"]])
    return layer


def _kept_channels(call: Call, passage: Passage, gone: np.ndarray) -> dict[str, np.ndarray]:
    """Numbers of the channels that stay, by what they are to the weights."""
    kept = {"out": np.flatnonzero(~gone[passage.makes])}
    if passage.reads is None:
        return kept
    stays = ~gone[passage.reads]
    kept["in"] = np.flatnonzero(stays)
    kept["group"] = np.flatnonzero(stays[: len(stays) // getattr(call.layer, "groups", 1)])
    kept["spread"] = np.flatnonzero(np.repeat(stays, getattr(call.layer, "depth_multiplier", 1)))
    return kept


def _smaller_config(call: Call, passage: Passage, kept: Mapping[str, np.ndarray]) -> dict:
    config = call.layer.get_config()
    for entry, axis in passage.kind.sizes.items():
        size = len(kept[axis])
        whole = config[entry]
        config[entry] = (*whole[:-1], size) if isinstance(whole, list | tuple) else size
    if "target_shape" in config:
        shape = list(call.output_shapes[0][1:])
        shape[passage.axes[1] - 1] = len(kept["out"])
        config["target_shape"] = tuple(shape)
    return config


def _kept_weights(layer: keras.Layer, passage: Passage, kept: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = {}
    for name, axes in passage.kind.weights.items():
        variable = getattr(layer, name, None)
        if variable is None:
            continue
        value = ops.convert_to_numpy(variable)
        for axis, which in enumerate(axes, start=value.ndim - len(axes)):
            if which in kept:
                value = value.take(kept[which], axis=axis)
        values[name] = value
    return values


def _folded_bias(layer: keras.Layer, passage: Passage, gone: np.ndarray) -> np.ndarray | None:
    """(U,) what the constants of silent units add to each unit; None if they add nothing."""
    if passage.kind.flow != "mix" or passage.reads is None:
        return None
    lost = gone[passage.reads] & (passage.silent != 0)
    if not lost.any():
        return None
    kernel = ops.convert_to_numpy(layer.kernel)
    return passage.silent[lost] @ kernel.reshape(-1, *kernel.shape[-2:]).sum(axis=0)[lost]
