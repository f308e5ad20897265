"""Multiply-accumulates of any functional model, layer call by layer call."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from math import prod

import keras
from keras import layers

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, Key, is_graph, walk
from fm_keras.models.recurrences import (
    CONVOLUTIONAL,
    convolutional_operations,
    has_known_cells,
    recurrent_operations,
)

_NO_PRODUCTS = (
    *(layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.Normalization),
    *(layers.Embedding, layers.PReLU),
)
# keras.ops has no public classes; of these none has weights that would tell of its products.
_PRODUCTS = frozenset(
    "Conv ConvTranspose DepthwiseConv Dot DotProductAttention Einsum Inner SeparableConv Tensordot Vdot".split()
)


def count_operations(model: keras.Model) -> dict[str, int]:
    """Multiply-accumulates (MACs) for one image, by path of each layer call in topological order.

    Counted: convolutions (plain, grouped, transposed, depthwise, separable), Dense, EinsumDense, attention
    (multi-head, grouped-query, dot-product, additive), recurrent layers (SimpleRNN, GRU, LSTM, ConvLSTM, alone, stacked
    or in both directions), TimeDistributed, Dot and keras.ops.matmul, at every position and step and, as is the custom,
    on padded zeros too.  All else counts 0: biases, BatchNorm, activations, pools, other operations.  Of layers that
    hide products, such as those of the user's own, a warning gives the names.

    Args:
        model: Functional or Sequential; nested models are counted call by call.

    Returns:
        {path: MACs}, paths as in `walk`; the values add up to the model's MACs.

    Raises:
        CannotCut: the model has no graph of calls.
        InvalidInput: a counted layer has a shape with unknown sizes.

    Source: *ours*; for convolutions H_out W_out C_in C_out k^2, as arXiv:2211.11106 compares networks.
    """
    counted = {call.path: call_operations(call) for call in walk(model).calls}
    if unknown := uncounted_layers(model):
        warnings.warn(f"Operations of {', '.join(unknown)} are not known and count 0.", stacklevel=2)
    return counted


def uncounted_layers(model: keras.Model) -> list[str]:
    """Calls that hide products which `count_operations` does not know, such as 'mixer (OwnLayer)'.

    Raises:
        CannotCut: the model has no graph of calls.
    """
    return [f"{call.path} ({type(call.layer).__name__})" for call in walk(model).calls if _hides_products(call.layer)]


def call_operations(call: Call) -> int:
    """Multiply-accumulates of one call, see `count_operations`."""
    if type(call.layer).__name__ == "Matmul" and not isinstance(call.layer, keras.Layer):
        return _matmul(call)
    for kinds, count in _COUNTS:
        if isinstance(call.layer, kinds):
            _require_known_sizes(call)
            return count(call)
    return 0


def _hides_products(layer: keras.Operation) -> bool:
    """Whether a layer multiplies by something, as far as its weights or its name tell, and is not counted."""
    if isinstance(layer, layers.Bidirectional):
        return _hides_products(layer.forward_layer)
    if isinstance(layer, _WRAPPERS):
        return _hides_products(layer.layer)
    if isinstance(layer, layers.RNN):
        return not has_known_cells(layer)
    if is_graph(layer):
        return bool(uncounted_layers(layer))
    if isinstance(layer, (*_NO_PRODUCTS, *(kind for kinds, _ in _COUNTS for kind in kinds))):
        return False
    if not isinstance(layer, keras.Layer):
        return type(layer).__name__ in _PRODUCTS
    return any(prod(weight.shape) > max(weight.shape, default=1) for weight in layer.weights)


def _require_known_sizes(call: Call) -> None:
    # Keras' own documentation leaves sizes of what EinsumDense puts out unknown; its input tells them.
    put_out = () if isinstance(call.layer, layers.EinsumDense) else call.output_shapes
    for shape in (*call.input_shapes, *put_out):
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


def _matmul(call: Call) -> int:
    _require_known_sizes(call)
    first = call.arguments[0][0]
    shape = dict(zip(call.inputs, call.input_shapes))[first.value] if isinstance(first, Key) else first.shape
    return prod(call.output_shapes[0][1:]) * shape[-1]


def _dot(call: Call) -> int:
    axes = call.layer.axes
    contracted = call.input_shapes[0][axes if isinstance(axes, int) else axes[0]]
    return prod(call.output_shapes[0][1:]) * contracted


def _both_directions(call: Call) -> int:
    return sum(
        call_operations(replace(call, layer=each)) for each in (call.layer.forward_layer, call.layer.backward_layer)
    )


def _every_step(call: Call) -> int:
    """What the layer inside takes for one step, at every step."""
    inputs, outputs = (
        tuple((shape[0], *shape[2:]) for shape in shapes) for shapes in (call.input_shapes, call.output_shapes)
    )
    return call.input_shapes[0][1] * _wrapped(replace(call, input_shapes=inputs, output_shapes=outputs))


def _wrapped(call: Call) -> int:
    inside = call.layer.layer
    if is_graph(inside):
        return sum(map(call_operations, walk(inside).calls))
    return call_operations(replace(call, layer=inside))


_WRAPPERS = (layers.TimeDistributed, layers.SpectralNormalization)
_COUNTS: tuple[tuple[tuple[type, ...], Callable[[Call], int]], ...] = (
    ((layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D), _convolution),
    ((layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose), _transposed),
    ((layers.SeparableConv1D, layers.SeparableConv2D), _separable),
    ((layers.Dense,), _dense),
    ((layers.EinsumDense,), _einsum),
    ((layers.MultiHeadAttention,), _attention),
    ((layers.GroupQueryAttention,), _grouped_attention),
    ((layers.Attention, layers.AdditiveAttention), _plain_attention),
    (CONVOLUTIONAL, convolutional_operations),
    ((layers.RNN,), recurrent_operations),
    ((layers.Bidirectional,), _both_directions),
    ((layers.TimeDistributed,), _every_step),
    ((layers.SpectralNormalization,), _wrapped),
    ((layers.Dot,), _dot),
)
