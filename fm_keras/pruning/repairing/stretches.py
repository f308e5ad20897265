"""Stretches of a model: some neighboring layers with kernels, and all that is called between and behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from fm_keras.models.copying import copy_layer
from fm_keras.models.graph import Call, Graph, Key
from fm_keras.models.inference import in_inference
from fm_keras.pruning.repairing.layer_refit import treatments


@dataclass(frozen=True, eq=False)
class Stretch:
    """Calls that follow one another in the order of a graph."""

    calls: tuple[Call, ...]
    start: int
    """number of the first call"""
    end: int
    """number of the call behind the last"""
    reads: tuple[int, ...]
    """keys of the tensors from before"""
    makes: tuple[int, ...]
    """keys of the tensors that later calls read, or that the model puts out"""


def find_stretches(graph: Graph, kernels: int) -> list[Stretch]:
    """Every stretch from one layer whose kernel is refitted to the call before the one `kernels` later.

    Args:
        graph: of the pruned model.
        kernels: how many of these layers a stretch holds; all there are, where they are fewer.

    Returns:
        From the input to the output, each beginning one layer later than the one before.  None if `kernels` is 1, or
        the model has a single kernel: those have been fitted alone.
    """
    refitted = {path for path, (how, _) in treatments(graph).items() if how == "refit"}
    starts = [number for number, call in enumerate(graph.calls) if call.path in refitted]
    kernels = min(kernels, len(starts))
    if kernels < 2:
        return []
    ends = [*starts[kernels:], len(graph.calls)]
    return [_stretch(graph, start, end) for start, end in zip(starts, ends)]


def _stretch(graph: Graph, start: int, end: int) -> Stretch:
    calls = graph.calls[start:end]
    made = [key for call in calls for key in call.outputs]
    read = dict.fromkeys(key for call in calls for key in call.inputs)
    wanted = {*graph.outputs, *(key for call in graph.calls[end:] for key in call.inputs)}
    reads, makes = (key for key in read if key not in made), (key for key in made if key in wanted)
    return Stretch(calls, start, end, tuple(reads), tuple(makes))


class StretchModel(keras.Model):
    """A stretch as a model of its own, as in inference: from a list of what it reads to a list of what it makes.

    Args:
        graph: of the pruned model, which is left as it was.
        stretch: of its calls.
    """

    def __init__(self, graph: Graph, stretch: Stretch) -> None:
        super().__init__()
        how = treatments(graph)
        self.stretch = stretch
        self.copies = {
            call.path: _copy(call) for call in stretch.calls if how.get(call.path, ("none", ""))[0] != "none"
        }
        """trainable copies of the layers that are repaired, by path; all other layers are used as they are"""

    def call(self, given: Sequence) -> list:
        """What the stretch makes; its layers act as in inference when the copies are trained."""
        tensors = dict(zip(self.stretch.reads, given))
        for call in self.stretch.calls:
            args, kwargs = keras.tree.map_structure(
                lambda value: tensors[value.value] if isinstance(value, Key) else value, call.arguments
            )
            made = in_inference(self.copies.get(call.path, call.layer))(*args, **kwargs)
            tensors.update(zip(call.outputs, keras.tree.flatten(made)))
        return [tensors[key] for key in self.stretch.makes]

    def hand_back(self) -> None:
        """Give the weights of the copies to the model."""
        for call in self.stretch.calls:
            if call.path in self.copies:
                call.layer.set_weights(self.copies[call.path].get_weights())


def _copy(call: Call) -> keras.Layer:
    copy = copy_layer(call.layer, path=call.path)
    copy.build(call.input_shapes[0])
    copy.set_weights(call.layer.get_weights())
    copy.trainable = True
    return copy
