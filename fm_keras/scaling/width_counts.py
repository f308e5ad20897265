"""Multiply-accumulates and parameters of a model at other widths, counted without making it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

import keras
import numpy as np
from keras import layers

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, walk
from fm_keras.models.operations import call_operations
from fm_keras.scaling.widths import CONVOLUTIONS, filters_of, is_convolution, map_of

Measure = Literal["macs", "parameters"]
Channels = Mapping[str, int]
"""Channels of a tensor that go with the widths: how many for each filter of a layer; under '' how many stay."""

_STAY: Channels = {}
_PASSING = (
    *(layers.BatchNormalization, layers.LayerNormalization, layers.Activation, layers.ReLU, layers.LeakyReLU),
    *(layers.ELU, layers.Softmax, layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.Identity),
    *(layers.MaxPooling2D, layers.AveragePooling2D, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D),
    *(layers.ZeroPadding2D, layers.Cropping2D, layers.UpSampling2D, layers.Rescaling),
)
_ANY_AXIS = (layers.Flatten, layers.Rescaling)
_MERGES = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)


@dataclass(frozen=True)
class Term:
    """What one weight adds to the counts: a factor, times channels that go with the widths."""

    macs: int
    parameters: int
    channels: tuple[Channels, ...]


@dataclass(frozen=True)
class WidthCounts:
    """The counts of a model as a function of the filters of its convolutions."""

    filters: dict[str, int] = field(default_factory=dict)
    """filters of every convolution whose number is free, by path in depth order, as the model has them"""
    maps: dict[str, tuple[int, int]] = field(default_factory=dict)
    """height and width of every convolution's map, depthwise ones included"""
    made: dict[str, Channels] = field(default_factory=dict)
    """channels that every one of those puts out"""
    terms: list[Term] = field(default_factory=list)
    merges: dict[str, list[Channels]] = field(default_factory=dict)
    """channels of the inputs of layers that need equal ones"""

    def count(self, filters: Mapping[str, int], measure: Measure) -> int:
        """Multiply-accumulates for one image, as `count_operations` has them, or parameters as Keras counts them.

        Args:
            filters: of every free convolution.
            measure: macs or parameters.

        Raises:
            InvalidInput: inputs of an addition would have different numbers of channels.
        """
        for path, inputs in self.merges.items():
            numbers = [number_of(channels, filters) for channels in inputs]
            if len(set(numbers)) > 1:
                raise InvalidInput(
                    f"The inputs of layer {path!r} would have {' and '.join(map(str, numbers))} channels, which must "
                    "be equal. Widths of this network cannot be proposed."
                )
        return sum(
            getattr(term, measure) * prod(number_of(channels, filters) for channels in term.channels)
            for term in self.terms
        )

    def all_filters(self, filters: Mapping[str, int]) -> dict[str, int]:
        """Filters of all convolutions of the table, depthwise ones included, from those of the free ones."""
        return {path: number_of(channels, filters) for path, channels in self.made.items()}


def number_of(channels: Channels, filters: Mapping[str, int]) -> int:
    """How many channels a tensor has."""
    return sum(times * filters[path] if path else times for path, times in channels.items())


def width_counts(model: keras.Model) -> WidthCounts:
    """Read from a model's graph how its counts go with the filters of its convolutions.

    Dense layers, and convolutions of a single position, keep their units.

    Args:
        model: Functional or Sequential, images of a fixed size.

    Raises:
        CannotCut: the model has no graph of calls.
        InvalidInput: a layer through which channels cannot be followed, such as a grouped or shared convolution.
    """
    graph, counts = walk(model), WidthCounts()
    channels: dict[int, Channels] = dict.fromkeys(graph.inputs, _STAY)
    axes: dict[int, int] = {}
    seen: set[int] = set()
    for call in graph.calls:
        reads = [channels[key] for key in call.inputs]
        read_axes = [axes[key] for key, read in zip(call.inputs, reads) if read]
        _require_channel_axis(call, read_axes)
        makes = _follow(call, reads, counts)
        channels.update(dict.fromkeys(call.outputs, makes))
        axes.update(dict.fromkeys(call.outputs, _axis_made(call, read_axes)))
        if is_convolution(call):
            counts.maps[call.path], counts.made[call.path] = map_of(call), makes or {"": filters_of(call)}
        if isinstance(call.layer, keras.Layer):
            counts.terms.extend(_terms(call, reads, makes, counts.filters, again=id(call.layer) in seen))
            seen.add(id(call.layer))
    return counts


def _axis_made(call: Call, read_axes: list[int]) -> int:
    """Axis along which the channels lie in what a call puts out, the batch counted."""
    last = len(call.output_shapes[0]) - 1
    before = read_axes[0] if last > 1 and read_axes else last
    return _own_axes(call.layer, last, before)[0] if isinstance(call.layer, CONVOLUTIONS) else before


def _require_channel_axis(call: Call, read_axes: list[int]) -> None:
    """Refuse a layer for which something else than the channels that are followed are channels."""
    last = len(call.input_shapes[0]) - 1 if call.input_shapes else 0
    for axis in read_axes:
        if axis not in _own_axes(call.layer, last, axis) or axis != read_axes[0]:
            raise _not_followed(call, f"it works along another axis than {axis}, that of the channels")


def _own_axes(layer: keras.Operation, last: int, axis: int) -> list[int]:
    """Axes that a layer takes for those of the channels; any will do where it has none of its own."""
    if isinstance(layer, layers.BatchNormalization | layers.LayerNormalization | layers.Concatenate):
        return [int(each) % (last + 1) for each in np.ravel(layer.axis)]
    if isinstance(layer, layers.Dense):
        return [last]
    if last == 1 or not hasattr(layer, "data_format") or isinstance(layer, _ANY_AXIS):
        return [axis]
    return [1 if layer.data_format == "channels_first" else last]


def _follow(call: Call, reads: list[Channels], counts: WidthCounts) -> Channels:
    """Channels that a call puts out; free convolutions and merges are noted."""
    layer, depthwise = call.layer, isinstance(call.layer, layers.DepthwiseConv2D)
    if is_convolution(call) and not depthwise:
        if getattr(layer, "groups", 1) > 1:
            raise _not_followed(call, f"it has {layer.groups} groups")
        counts.filters[call.path] = filters_of(call)
        return {call.path: 1}
    if not any(reads):
        return _STAY
    if depthwise:
        return _times(reads[0], layer.depth_multiplier)
    if isinstance(layer, layers.Dense | layers.Conv2D):
        return _STAY
    if isinstance(layer, layers.Flatten):
        now = number_of(reads[0], counts.filters)
        return _times(reads[0], prod(call.input_shapes[0][1:]) // now)
    if isinstance(layer, layers.Concatenate):
        return _joined(call, reads)
    if isinstance(layer, _MERGES):
        if not all(reads):
            raise _not_followed(call, "it merges channels that stay with channels that change")
        counts.merges[call.path] = reads
        return reads[0]
    if isinstance(layer, _PASSING):
        return reads[0]
    raise _not_followed(call, f"it is a {type(layer).__name__}")


def _times(channels: Channels, number: int) -> Channels:
    return {path: number * times for path, times in channels.items()}


def _joined(call: Call, reads: list[Channels]) -> Channels:
    """Channels of a concatenation."""
    joined: dict[str, int] = {}
    for channels, shape in zip(reads, call.input_shapes):
        for path, times in (channels or {"": shape[call.layer.axis]}).items():
            joined[path] = joined.get(path, 0) + times
    return joined


def _terms(
    call: Call, reads: list[Channels], makes: Channels, filters: Mapping[str, int], *, again: bool
) -> Iterator[Term]:
    """One term for each weight of a layer; one for the whole layer if none goes with the widths."""
    layer = call.layer
    if not makes and not any(reads):
        yield Term(call_operations(call), 0 if again else layer.count_params(), ())
        return
    if again and layer.weights:
        raise _not_followed(call, "it is called more than once")
    kernels = sum(prod(weight.shape) for weight in layer.weights if "kernel" in weight.name)
    for weight in layer.weights:
        kernel = "kernel" in weight.name
        one_each = weight.name == "depthwise_kernel" or (kernel and isinstance(layer, layers.DepthwiseConv2D))
        used = (*(reads[:1] if kernel else []), *([] if one_each else [makes]))
        channels = tuple(each for each in used if each)
        size = prod(weight.shape) // prod(number_of(each, filters) for each in channels)
        # Every kernel element acts equally often, at each position.
        yield Term(size * call_operations(call) // kernels if kernel else 0, size, channels)


def _not_followed(call: Call, why: str) -> InvalidInput:
    return InvalidInput(
        f"Widths of this network cannot be proposed: channels cannot be followed through layer {call.path!r}, {why}."
    )
