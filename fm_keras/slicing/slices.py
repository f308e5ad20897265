"""Frozen, independent parts of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from fm_keras.models.graph import rebuild, walk
from fm_keras.slicing.cuts import CutPoint, cut_points, pooling_factor, probe_positions


def slice_model(model: keras.Model, layer: str) -> keras.Model:
    """Frozen copy of a model up to one cut.

    Args:
        model: Functional or built Sequential model; it is left as it was, down to weights and `trainable` flags.
        layer: path of a cut, as `cut_points` names it.

    Returns:
        Model from the same inputs to the activations at the cut, with `trainable=False`: BatchNorm uses its moving
        statistics.  Call it with `training=False` so that dropout is off too.

    Raises:
        InvalidInput: no such cut; the message lists the cuts.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden"), keras.layers.Dense(2)])
        >>> slice_model(model, "hidden").output_shape
        (None, 3)
    """
    (cut,) = cut_points(model, layers=[layer])
    body = frozen_body(model, [cut])
    return keras.Model(body.input, body.outputs[0], name=f"{model.name}_to_{layer.replace('/', '__')}")


def frozen_body(model: keras.Model, cuts: Sequence[CutPoint]) -> keras.Model:
    """Frozen copy of a model that puts out the activations at several cuts, as a list."""
    return rebuild(model, walk(model), [cut.tensor for cut in cuts])


def cut_activations(body: keras.Model, inputs, cuts: Sequence[CutPoint], max_positions: int) -> list:
    """What a body puts out at its cuts, in inference mode, each (B, P, U) as `flat_activations` has it."""
    outputs = keras.tree.flatten(body(inputs, training=False))  # one output comes without its list
    return [flat_activations(output, cut, max_positions) for output, cut in zip(outputs, cuts)]


def flat_activations(activation, cut: CutPoint, max_positions: int):
    """Activations at a cut as a probe reads them.

    Args:
        activation: tensor (B, *P, U), or (B, U, *P) where the cut has channels first.
        cut: the cut it was taken at.
        max_positions: maps with more positions are average-pooled by a whole factor to at most this many.

    Returns:
        float32 tensor (B, P, U), P the number of positions left (1 where there are none).
    """
    activation = ops.cast(activation, "float32")
    if cut.channels_first:
        activation = ops.moveaxis(activation, 1, -1)
    factor = pooling_factor(cut, max_positions)
    if factor > 1:
        activation = ops.average_pool(activation, factor, factor, padding="same", data_format="channels_last")
    return ops.reshape(activation, (-1, math.prod(probe_positions(cut, max_positions)), cut.units))
