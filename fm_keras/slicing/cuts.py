"""Where a model can be cut: after each layer with units, its normalization, activation, dropout and pool."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass

import keras

from fm_keras.errors import CannotCut, InvalidInput
from fm_keras.models.graph import Call, Graph, walk
from fm_keras.models.operations import call_operations

_KINDS = {
    "conv": "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose SeparableConv1D SeparableConv2D",
    "depthwise": "DepthwiseConv1D DepthwiseConv2D",
    "dense": "Dense EinsumDense",
    "attention": "MultiHeadAttention GroupedQueryAttention Attention AdditiveAttention",
    "recurrent": "LSTM GRU SimpleRNN Bidirectional ConvLSTM1D ConvLSTM2D",
    "add": "Add Subtract",
    "concatenate": "Concatenate",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_MERGES = ("add", "concatenate")
_FOLLOWERS = frozenset(
    "BatchNormalization LayerNormalization GroupNormalization RMSNormalization UnitNormalization "
    "Activation ReLU LeakyReLU PReLU ELU Softmax Relu Relu6 LeakyRelu Elu Selu Celu Gelu Silu Sigmoid HardSigmoid "
    "HardSilu Tanh HardTanh Softplus Softsign Mish Identity ActivityRegularization "
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise "
    "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D MaxPool "
    "AveragePool".split()
)
_UNITS_LAST = ("dense", "attention", "recurrent")
_REORDERING = frozenset(("Permute", "Reshape", "Transpose"))


@dataclass(frozen=True)
class CutPoint:
    """A place where a model can be cut, and its units there."""

    layer: str
    """path of the layer whose units are read: 'conv5_3', 'block/conv', 'shared:2'"""
    kind: str
    """conv, depthwise, dense, attention, recurrent, add, concatenate, or custom: a layer of the user's own"""
    units: int
    """filters of a convolution, nodes of a dense or token layer"""
    positions: tuple[int, ...]
    """height and width of the map, number of tokens, or () for none"""
    macs: int | None
    """multiply-accumulates from the input to here, for one image; None if images have no fixed size"""
    after: str
    """path of the last layer before the cut: its pool, activation or itself"""
    channels_first: bool
    """whether the units stand before the positions"""
    tensor: int
    """key of the tensor in `fm_keras.models.graph.walk`"""

    @property
    def map(self) -> str:
        """Positions as people write them: '8 x 8', '64 tokens', '-'."""
        if len(self.positions) == 1:
            return f"{self.positions[0]} tokens"
        return " x ".join(map(str, self.positions)) or "-"


def cut_points(model: keras.Model, *, layers: Iterable[str] | None = None) -> list[CutPoint]:
    """Places where a model can be cut, in depth order.

    A cut lies behind a layer with units and the normalization, activation, dropout and pool that follow it, as
    long as one layer alone reads the tensor.  Adds and concatenates are cuts of their own.  A layer of the user's own,
    and a subclassed model inside, is one if it has a kernel: its units are the last axis of what it puts out, or the
    first where its data_format says so.  What the model puts out is no cut: nothing is left to read it.  Neither are
    weights of positions, which a softmax over them makes.

    Args:
        model: Functional or built Sequential model, nested models included.
        layers: paths to choose; all if None.

    Raises:
        CannotCut: a subclassed or unbuilt model, or one without a layer to cut at.
        InvalidInput: a path that is none of the cuts; the message lists them.
    """
    graph = walk(model)
    cuts = _all_cuts(graph)
    if not cuts:
        raise CannotCut(
            f"Model {model.name!r} cannot be cut: before its output it has no layer with units on a map of known size."
            f"{_what_would_do(graph)}"
        )
    if layers is None:
        return cuts
    layers = [layers] if isinstance(layers, str) else list(layers)
    found = {cut.layer: cut for cut in cuts}
    for path in layers:
        if path not in found:
            raise InvalidInput(_no_such_layer(model, graph, path, list(found)))
    return [cut for cut in cuts if cut.layer in layers]


def _all_cuts(graph: Graph) -> list[CutPoint]:
    consumers, channels_first = graph.consumers(), _channels_first(graph)
    cuts = []
    for call in graph.calls:
        kind = cut_kind(call)
        if kind is None:
            continue
        last = _end_of_chain(call, consumers, graph.outputs)
        shape, tensor = last.output_shapes[0], last.outputs[0]
        if tensor in graph.outputs or len(shape) < 2 or None in shape[1:]:
            continue
        first = channels_first[tensor]
        if _weighs_positions(last, unit_axis=1 if first else len(shape) - 1):
            continue
        units, positions = (shape[1], shape[2:]) if first else (shape[-1], shape[1:-1])
        cuts.append(CutPoint(call.path, kind, units, positions, _macs(graph, tensor), last.path, first, tensor))
    return cuts


def _macs(graph: Graph, tensor: int) -> int | None:
    """Multiply-accumulates up to a tensor; None where the images have no fixed size."""
    try:
        return sum(call_operations(call) for call in graph.ancestors([tensor]))
    except InvalidInput:
        return None


def cut_kind(call: Call) -> str | None:
    """Kind of the cut after a call; None if the call has no units of its own."""
    layer = _unwrapped(call.layer)
    kind = _KIND_OF.get(_listed_class(layer, _KIND_OF))
    if kind in _MERGES and len(call.inputs) < 2:
        return None  # adding a constant merges nothing
    return "custom" if kind is None and _is_custom(layer) else kind


def _unwrapped(layer: keras.Operation) -> keras.Operation:
    """The layer inside a wrapper, where its units keep their place."""
    if isinstance(layer, keras.layers.SpectralNormalization):
        return layer.layer
    if isinstance(layer, keras.layers.TimeDistributed):  # its units come third where they came first
        return layer if getattr(layer.layer, "data_format", None) == "channels_first" else layer.layer
    return layer


def _is_custom(layer: keras.Operation) -> bool:
    """Whether a layer, or a subclassed model, is none of Keras' own and has a kernel."""
    own = type(layer).__module__.partition(".")[0] != "keras" and not _listed_class(layer, _FOLLOWERS)
    return own and any(len(weight.shape) > 1 for weight in getattr(layer, "weights", ()))


def _listed_class(layer: keras.Operation, names: Container[str]) -> str | None:
    """Name of the layer's class, or of the class it is derived from, if it is one of some names."""
    return next((each.__name__ for each in type(layer).__mro__ if each.__name__ in names), None)


def _end_of_chain(call: Call, consumers: dict[int, list[Call]], outputs: tuple[int, ...]) -> Call:
    """Last of the followers of a call: each the only reader of the one before."""
    while call.outputs[0] not in outputs:
        readers = consumers.get(call.outputs[0], [])
        if len(readers) != 1 or not _listed_class(readers[0].layer, _FOLLOWERS):
            break
        call = readers[0]
    return call


def _weighs_positions(call: Call, *, unit_axis: int) -> bool:
    """Whether a softmax makes weights of a mean over positions, which are no units of a layer."""
    if not isinstance(call.layer, keras.layers.Softmax):
        return False
    rank = len(call.output_shapes[0])
    return any(axis % rank != unit_axis for axis in keras.tree.flatten(call.layer.axis))


def _channels_first(graph: Graph) -> dict[int, bool]:
    """Whether units come before positions in each tensor: a layer's data format, or that of what it reads."""
    first = dict.fromkeys(graph.inputs, False)
    for call in graph.calls:
        data_format = getattr(_unwrapped(call.layer), "data_format", None)
        if data_format is not None:
            here = data_format == "channels_first"
        else:
            moved = cut_kind(call) in _UNITS_LAST or _listed_class(call.layer, _REORDERING)
            here = bool(call.inputs) and first[call.inputs[0]] and not moved
        first.update({key: here and len(shape) > 2 for key, shape in zip(call.outputs, call.output_shapes)})
    return first


def _what_would_do(graph: Graph) -> str:
    """What would give a model cuts, in a sentence; empty where there is nothing to cut."""
    shapes = {shape for call in graph.calls if cut_kind(call) for shape in call.output_shapes[:1]}
    if any(None in shape[1:] for shape in shapes):
        return " Call it on images of one size: keras.Sequential([keras.Input(image_shape), model])."
    hiding = next((call for call in graph.calls if cut_kind(call) == "custom"), None)
    if hiding is not None:
        return (
            f" Layer {hiding.path!r} ({type(hiding.layer).__name__}) hides the layers in it: call those on keras.Input."
        )
    return ""


def _no_such_layer(model: keras.Model, graph: Graph, path: str, valid: list[str]) -> str:
    if any(call.path == path for call in graph.calls):
        why = f"cannot be cut at {path!r}: it has no units of its own, is the output, or its map has no fixed size"
    else:
        why = f"has no layer {path!r}"
    return f"Model {model.name!r} {why}. It can be cut at: {', '.join(valid)}."


def pooling_factor(cut: CutPoint, max_positions: int) -> int:
    """Whole factor by which each side of a cut's map is average-pooled, so that at most `max_positions` are left."""
    factor = 1
    while math.prod(math.ceil(side / factor) for side in cut.positions) > max_positions:
        factor += 1
    return factor


def probe_positions(cut: CutPoint, max_positions: int) -> tuple[int, ...]:
    """Positions that the probe of a cut reads."""
    factor = pooling_factor(cut, max_positions)
    return tuple(math.ceil(side / factor) for side in cut.positions)
