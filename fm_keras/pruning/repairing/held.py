"""Models run call by call over images that are all held, so that a layer can be changed before it is run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.data import Split, measuring_batches
from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, Graph, Key, rebuild, walk
from fm_keras.models.inference import in_inference

_FLOAT = 4


class HeldModel:
    """What a model makes of some images, as far as it has been run: every tensor that a later call will read.

    Args:
        model: Functional or built Sequential.
        given: what its inputs hold, see `held_inputs`.
        batch_size: images a step.
    """

    def __init__(self, model: keras.Model, given: Sequence[np.ndarray], *, batch_size: int) -> None:
        self.graph = walk(model)
        self.tensors: dict[int, np.ndarray] = dict(zip(self.graph.inputs, given))
        """by key, (N, ...)"""
        self._batch_size = batch_size
        self._left = readings(self.graph)
        self._reached = 0

    def given(self, call: Call) -> np.ndarray:
        """What a call reads first, (N, ...)."""
        return self.tensors[call.inputs[0]]

    def run(self, call: Call, *, layer: keras.Operation | None = None) -> list[np.ndarray]:
        """What a call puts out, which is held from now on.

        Args:
            call: those it depends on must have been run.
            layer: another that is run in its place, in which case nothing is held.
        """
        count = len(next(iter(self.tensors.values())))
        parts = [self._run_batch(call, layer or call.layer, start) for start in range(0, count, self._batch_size)]
        made = [np.concatenate(each) for each in zip(*parts)]
        if layer is None:
            self.tensors.update((key, array) for key, array in zip(call.outputs, made) if self._left[key])
        return made

    def run_until(self, number: int, *, first: Callable[[Call], None]) -> None:
        """Run all calls before a number that this has not run, letting go of what no later one will read.

        Args:
            number: of a call, or how many there are.
            first: is given each call before it is run.
        """
        for call in self.graph.calls[self._reached : number]:
            first(call)
            self.run(call)
            self.forget(call)
        self._reached = number

    def forget(self, call: Call) -> None:
        """Let go of what a call has read and no later one will read."""
        for key in call.inputs:
            self._left[key] -= 1
            if not self._left[key]:
                self.tensors.pop(key, None)

    def _run_batch(self, call: Call, layer: keras.Operation, start: int) -> list[np.ndarray]:
        args, kwargs = keras.tree.map_structure(
            lambda value: (
                self.tensors[value.value][start : start + self._batch_size] if isinstance(value, Key) else value
            ),
            call.arguments,
        )
        return [ops.convert_to_numpy(each) for each in keras.tree.flatten(in_inference(layer)(*args, **kwargs))]


def readings(graph: Graph) -> Counter[int]:
    """How often each tensor is read; what a model puts out is read once more, behind it."""
    return Counter([*(key for call in graph.calls for key in call.inputs), *graph.outputs])


def held_inputs(
    model: keras.Model, split: Split, *, batch_size: int, preprocess: Callable[[Any], Any] | None
) -> list[np.ndarray]:
    """What the inputs of a model hold for all images of a split, in the order of `walk(model).inputs`."""
    graph = walk(model)
    sorted_out = rebuild(model, graph, list(graph.inputs))
    batches = measuring_batches(split, batch_size=batch_size, preprocess=preprocess)
    parts = [[ops.convert_to_numpy(each) for each in keras.tree.flatten(sorted_out(x))] for x, _ in batches]
    return [np.concatenate(each) for each in zip(*parts)]


def images_that_fit(
    split: Split, models: Iterable[keras.Model], *, count: int | None, memory: float, seed: int
) -> Split:
    """A seeded choice of images, as many as can be held, in the order of the split.

    Args:
        split: images.
        models: what they are run through at the same time.
        count: at most so many; all if None.
        memory: GB for what is held.
        seed: seed of the choice.

    Raises:
        InvalidInput: not even one fits.
    """
    each = sum(_held_bytes(walk(model)) for model in models)
    fitting = int(memory * 1e9 / each)
    if not fitting:
        raise InvalidInput(f"One image takes {each / 1e9:.1f} GB on its way, more than memory={memory}: raise it.")
    count = min(fitting, len(split) if count is None else count)
    if count >= len(split):
        return split
    return split.take(np.sort(np.random.default_rng(seed).permutation(len(split))[:count]))


def _held_bytes(graph: Graph) -> int:
    """Most bytes of one image that are held at the same time."""
    left, most = readings(graph), 0
    sizes = {key: _FLOAT * math.prod(size or 1 for size in shape[1:]) for key, shape in _shapes(graph)}
    held = set(graph.inputs)
    for call in graph.calls:
        held.update(call.outputs)
        most = max(most, sum(sizes[key] for key in held))
        left.subtract(call.inputs)
        held = {key for key in held if left[key] > 0}
    return most


def _shapes(graph: Graph) -> Iterable[tuple[int, tuple]]:
    for call in graph.calls:
        yield from zip(call.inputs, call.input_shapes)
        yield from zip(call.outputs, call.output_shapes)
