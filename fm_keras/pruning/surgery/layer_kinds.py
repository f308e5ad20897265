"""What surgery knows of each kind of layer: how units run through it, and along which axes of its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import keras
import numpy as np

from fm_keras.models.graph import Call

Flow = Literal["mix", "grouped", "depthwise", "pass", "merge", "concatenate", "reshape"]
Axis = Literal["in", "out", "spread", "group", "all"]


@dataclass(frozen=True)
class Kind:
    """How one kind of layer treats the units it reads and those it puts out."""

    flow: Flow
    """mix: new units from all it reads; grouped: from those of one group; depthwise: each from one that it reads;
    pass: each unit by itself; merge: unit by unit from several tensors; concatenate; reshape"""
    weights: Mapping[str, tuple[Axis, ...]] = field(default_factory=dict)
    """last axes of each weight: units read (in), put out (out), read times the depth multiplier (spread), read by one
    group (group), or something else (all)"""
    sizes: Mapping[str, Axis] = field(default_factory=dict)
    """entries of the config that are numbers of units"""


_BIAS: dict[str, tuple[Axis, ...]] = {"bias": ("out",)}
_CONV = Kind("mix", {"kernel": ("in", "out"), **_BIAS}, {"filters": "out"})
_GROUPED = Kind("grouped", {"kernel": ("group", "out"), **_BIAS}, {"filters": "out"})
_ONE_EACH = Kind("depthwise", {"kernel": ("all", "out"), **_BIAS}, {"filters": "out", "groups": "in"})
_TRANSPOSED = Kind("mix", {"kernel": ("out", "in"), **_BIAS}, {"filters": "out"})
_SEPARABLE = Kind(
    "mix", {"depthwise_kernel": ("in", "all"), "pointwise_kernel": ("spread", "out"), **_BIAS}, {"filters": "out"}
)
_DEPTHWISE = Kind("depthwise", {"kernel": ("in", "all"), **_BIAS})
_DENSE = Kind("mix", {"kernel": ("in", "out"), **_BIAS}, {"units": "out"})
_EINSUM = Kind("mix", {"kernel": ("in", "out"), **_BIAS}, {"output_shape": "out"})
_EINSUM_TURNED = Kind("mix", {"kernel": ("out", "in"), **_BIAS}, {"output_shape": "out"})
_BATCH_NORM = Kind("pass", {name: ("in",) for name in ("gamma", "beta", "moving_mean", "moving_variance")})
_PRELU = Kind("pass", {"alpha": ("in",)})  # along which axis, `along` tells

_LAYERS = (
    (_CONV, "Conv1D Conv2D Conv3D"),
    (_TRANSPOSED, "Conv1DTranspose Conv2DTranspose Conv3DTranspose"),
    (_SEPARABLE, "SeparableConv1D SeparableConv2D"),
    (_DEPTHWISE, "DepthwiseConv1D DepthwiseConv2D"),
    (_DENSE, "Dense"),
    (_EINSUM, "EinsumDense"),
    (_BATCH_NORM, "BatchNormalization"),
    (_PRELU, "PReLU"),
    (
        Kind("pass"),
        "Activation ReLU LeakyReLU ELU Softmax ActivityRegularization Identity Rescaling Dropout SpatialDropout1D "
        "SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise MaxPooling1D MaxPooling2D "
        "MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D GlobalAveragePooling1D "
        "GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
        "UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D "
        "Cropping3D",
    ),
    (Kind("merge"), "Add Subtract Multiply Average Maximum Minimum"),
    (Kind("concatenate"), "Concatenate"),
    (Kind("reshape"), "Flatten Reshape"),
)
_OPERATIONS = (
    (
        Kind("pass"),
        "MaxPool AveragePool Softmax Relu Relu6 LeakyRelu Elu Selu Celu Gelu Silu Sigmoid LogSigmoid HardSigmoid "
        "HardSilu Tanh HardTanh Softplus Softsign Exp Abs Absolute Negative Square Sqrt",
    ),
    (Kind("merge"), "Add Subtract Multiply Maximum Minimum"),
    (Kind("concatenate"), "Concatenate"),
    (Kind("reshape"), "Reshape"),
)
KIND_OF_LAYER = {name: kind for kind, names in _LAYERS for name in names.split()}
"""Kind of each of Keras' layers that surgery knows, by the name of its class."""
KIND_OF_OPERATION = {name: kind for kind, names in _OPERATIONS for name in names.split()}
"""The same of keras.ops, where a name may mean something else: its Average is over an axis."""
_OVER_UNITS = frozenset("LayerNormalization GroupNormalization RMSNormalization UnitNormalization".split())
_MIXING = frozenset("softmax log_softmax sparsemax glu".split())


def kind_of(call: Call) -> Kind | str:
    """Kind of a call's layer, or in a few words why surgery leaves alone what it reads and puts out."""
    layer, name = call.layer, type(call.layer).__name__
    who = f"{call.path} ({name})"
    kind = (KIND_OF_LAYER if isinstance(layer, keras.Layer) else KIND_OF_OPERATION).get(name)
    if name in _OVER_UNITS:
        return f"{who} normalizes over units, whose mean and variance change with their number"
    if kind is None or not type(layer).__module__.startswith("keras."):
        return f"{who} is no layer that surgery knows"
    if _learns_in_use(call):
        return f"{who} is called with training=True"
    if name.startswith("Conv") and getattr(layer, "groups", 1) > 1:
        kind = _GROUPED if layer.kernel.shape[-2] > 1 else _ONE_EACH
    if kind is _EINSUM and (kind := _einsum_kind(layer)) is None:
        return f"{who} multiplies by more than one matrix"
    if name == "Reshape" and not isinstance(layer, keras.Layer):
        return f"{who} is an operation with a fixed shape; the layer Reshape would do"
    if kind.flow in ("pass", "merge", "concatenate") and not _alone_with_numbers(call):
        return f"{who} has an array among its arguments"
    if kind.flow == "pass" and not activates_each_unit(layer):
        return f"{who} has an activation over units, or one that surgery does not know"
    if not _has_only(layer, kind):
        return f"{who} has weights that surgery does not know, such as those of quantization"
    return kind


def activates_each_unit(layer: keras.Operation) -> bool:
    """Whether a layer's activation takes each unit by itself: not so a softmax over units, or a function unknown."""
    function = getattr(layer, "activation", None)
    if function is None:
        return True
    name = getattr(function, "__name__", "")
    return name not in _MIXING and getattr(keras.activations, name, None) is function


def along(kind: Kind, call: Call, axis: int) -> Kind | None:
    """Kind of a layer that passes on units which stand along an axis of its input, the batch counted.

    Args:
        kind: what `kind_of` found, with the flow `pass`.
        call: a call of the layer.
        axis: where the units stand.

    Returns:
        None if the layer works along another axis, or mixes the units up.
    """
    layer, rank = call.layer, len(call.input_shapes[0])
    if kind is _PRELU:
        axes = tuple("in" if i == axis and size > 1 else "all" for i, size in enumerate(layer.alpha.shape, start=1))
        return Kind("pass", {"alpha": axes})
    if kind is _BATCH_NORM:
        return kind if layer.axis % rank == axis else None
    if type(layer).__name__ == "Softmax":
        over = range(rank) if layer.axis is None else [each % rank for each in np.ravel(layer.axis)]
        return None if axis in over else kind
    moves = getattr(layer, "data_format", None) is not None and rank > 2
    return None if moves and unit_axis(layer, rank) != axis else kind


def unit_axis(layer: keras.Operation, rank: int) -> int:
    """Axis of the units in what a layer reads or puts out, the batch counted."""
    data_format = getattr(layer, "data_format", None)
    return 1 if data_format == "channels_first" else rank - 1


def reads_constants(call: Call) -> bool:
    """Whether a constant in place of a unit can be folded into the bias: no border of zeros comes between."""
    name, layer = type(call.layer).__name__, call.layer
    if name in ("Conv1D", "Conv2D", "Conv3D"):
        return layer.groups == 1 and (layer.padding == "valid" or math.prod(layer.kernel_size) == 1)
    return name == "Dense"


def _einsum_kind(layer: keras.layers.EinsumDense) -> Kind | None:
    """A kernel (in, out) or (out, in) that acts on the last axis; None for all else."""
    operands, output = layer.equation.replace("...", "").split("->")
    given, kernel = operands.split(",")
    same_places = given[:-1] == output[:-1]
    if not same_places or layer.bias_axes not in (None, "", output[-1]):
        return None
    return {given[-1] + output[-1]: _EINSUM, output[-1] + given[-1]: _EINSUM_TURNED}.get(kernel)


def _learns_in_use(call: Call) -> bool:
    args, kwargs = call.arguments
    return bool(kwargs.get("training")) or any(each is True for each in args)


def _alone_with_numbers(call: Call) -> bool:
    """Whether all arguments but the tensors of the graph are single numbers."""
    given = keras.tree.flatten(call.arguments)
    if isinstance(call.layer, keras.layers.Rescaling):
        given += [call.layer.scale, call.layer.offset]
    return all(np.size(each) == 1 for each in given)


def _has_only(layer: keras.Operation, kind: Kind) -> bool:
    known = sum(getattr(layer, name, None) is not None for name in kind.weights)
    return known == len(getattr(layer, "weights", ()))
