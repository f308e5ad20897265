"""Multiply-accumulates of any functional model, layer call by layer call."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import keras
from keras import layers

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, walk


def count_operations(model: keras.Model) -> dict[str, int]:
    """Multiply-accumulates (MACs) for one image, by path of each layer call in topological order.

    Counted: convolutions (plain, grouped, transposed, depthwise, separable), Dense, EinsumDense and
    attention (multi-head, grouped-query, dot-product, additive), at every position and, as is the custom, on
    padded zeros too.  All else counts 0: biases, BatchNorm, activations, pools, other operations, recurrent
    layers and layers that hide layers.

    Args:
        model: Functional or Sequential; nested models are counted call by call.

    Returns:
        {path: MACs}, paths as in `walk`; the values add up to the model's MACs.

    Raises:
        CannotCut: the model has no graph of calls.
        InvalidInput: a counted layer has a shape with unknown sizes.

    Source: *ours*; for convolutions H_out W_out C_in C_out k^2, as arXiv:2211.11106 compares networks.
    """
    return {call.path: call_operations(call) for call in walk(model).calls}


def call_operations(call: Call) -> int:
    """Multiply-accumulates of one call, see `count_operations`."""
    for kinds, count in _COUNTS:
        if isinstance(call.layer, kinds):
            _require_known_sizes(call)
            return count(call)
    return 0


def _require_known_sizes(call: Call) -> None:
    for shape in (*call.input_shapes, *call.output_shapes):
        if None in shape[1:]:
            raise InvalidInput(
                f"Operations of layer {call.path!r} cannot be counted: its shape {shape} has unknown sizes. "
                "Give the model's Input all sizes but the batch."
            )


def _positions(shape: tuple, layer: keras.Layer) -> int:
    """Spatial positions of a convolution's input or output."""
    return prod(shape[1:-1] if layer.data_format == "channels_last" else shape[2:])


def _convolution(call: Call) -> int:
    # A kernel is (*size, channels of one group, filters): every element acts once at every output position.
    return _positions(call.output_shapes[0], call.layer) * prod(call.layer.kernel.shape)


def _transposed(call: Call) -> int:
    return _positions(call.input_shapes[0], call.layer) * prod(call.layer.kernel.shape)


def _separable(call: Call) -> int:
    kernels = prod(call.layer.depthwise_kernel.shape) + prod(call.layer.pointwise_kernel.shape)
    return _positions(call.output_shapes[0], call.layer) * kernels


def _dense(call: Call) -> int:
    return prod(call.input_shapes[0][1:]) * call.layer.units


def _einsum(call: Call) -> int:
    # Every kernel element acts once for every input element that shares its indices.
    operands, _ = call.layer.equation.replace("...", "").split("->")
    input_indices, kernel_indices = operands.split(",")
    kernel_sizes = dict(zip(kernel_indices, call.layer.kernel.shape))
    shared = prod(size for index, size in kernel_sizes.items() if index in input_indices)
    return prod(call.input_shapes[0][1:]) * prod(kernel_sizes.values()) // shared


def _attention(call: Call) -> int:
    """Projections of query, key, value and output, in later versions of Keras a gate, and the two products."""
    query, value, key = attention_shapes(call)
    config = call.layer.get_config()
    axes = config["attention_axes"] or range(1, len(value) - 1)
    key_width = config["num_heads"] * config["key_dim"]
    value_width = config["num_heads"] * (config["value_dim"] or config["key_dim"])
    projections = (
        prod(query[1:]) * key_width
        + prod(key[1:]) * key_width
        + prod(value[1:]) * value_width
        + prod(query[1:-1]) * value_width * call.output_shapes[0][-1]
    )
    if config.get("use_gate"):
        projections += prod(query[1:]) * value_width
    attended = prod(value[axis] for axis in axes)
    return projections + prod(query[1:-1]) * attended * (key_width + value_width)


def _grouped_attention(call: Call) -> int:
    """Projections, those of key and value to fewer heads than the query's, and the two products of attention."""
    query, value, key = attention_shapes(call)
    config = call.layer.get_config()
    query_width = config["num_query_heads"] * config["head_dim"]
    value_width = config["num_key_value_heads"] * config["head_dim"]
    of_query = 3 if config.get("use_gate") else 2  # query, output, and in later versions of Keras a gate
    projections = of_query * prod(query[1:]) * query_width + (prod(key[1:]) + prod(value[1:])) * value_width
    return projections + 2 * query[1] * value[1] * query_width


def _plain_attention(call: Call) -> int:
    """The scores of every query with every key, and their products with the values; nothing is projected."""
    query, value = call.input_shapes[:2]
    return prod(query[1:-1]) * value[-2] * (query[-1] + value[-1])


def attention_shapes(call: Call) -> tuple[tuple, tuple, tuple]:
    """Shapes of query, value and key that an attention layer reads; without a key it is the value."""
    args, kwargs = call.arguments
    given = dict(zip(("query", "value", "key"), args)) | kwargs
    shapes = dict(zip(call.inputs, call.input_shapes))
    query, value = (shapes[given[name].value] for name in ("query", "value"))
    key = given.get("key")
    return query, value, value if key is None else shapes[key.value]


_COUNTS: tuple[tuple[tuple[type, ...], Callable[[Call], int]], ...] = (
    ((layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D), _convolution),
    ((layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose), _transposed),
    ((layers.SeparableConv1D, layers.SeparableConv2D), _separable),
    ((layers.Dense,), _dense),
    ((layers.EinsumDense,), _einsum),
    ((layers.MultiHeadAttention,), _attention),
    ((layers.GroupQueryAttention,), _grouped_attention),
    ((layers.Attention, layers.AdditiveAttention), _plain_attention),
)
