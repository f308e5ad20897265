"""The true cost of silencing units: set them to zero and run the rest of the network again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from numbers import Integral
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.data import Dataset, Split, measuring_batches
from fm_keras.devices import check_backend
from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, Graph, copy_calls, rebuild, walk
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing.compiled import compiled
from fm_keras.slicing.cuts import CutPoint, cut_points
from fm_keras.slicing.gate_layer import Gate
from fm_keras.slicing.logits import check_no_probabilities, cross_entropies, find_logits, take_softmax_off
from fm_keras.slicing.network import network_images

Groups = Sequence[int] | Sequence[Sequence[int]]

_IMAGES, _COPIES = 50, 500  # images a step, and images times groups that go through the tail at once


def silence_cost(
    model: keras.Model,
    dataset: Dataset | Split,
    layer: str,
    units: Groups | None = None,
    *,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> np.ndarray:
    """Increase of the loss when units are silenced for real, one or one group at a time, without retraining.

    Only what comes after the layer runs again, for many units at once.

    Args:
        model: classifier with logits, or a softmax of them; left as it was.
        dataset: labeled images, or one split of them, of which all are taken.
        layer: path of a cut.
        units: numbers of units, or groups of them; each unit by itself if None.
        settings: split, number of images, seed, batch size.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        (units,) or (groups,) increase of the mean cross entropy in nats.

    Raises:
        InvalidInput: no logits to be found, an unknown layer, units that it does not have, labels that do not fit.
    """
    return silence_effects(model, dataset, layer, units, settings=settings, preprocess=preprocess, progress=progress)[
        "cost"
    ].to_numpy()


def silence_effects(
    model: keras.Model,
    dataset: Dataset | Split,
    layer: str,
    units: Groups | None = None,
    *,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Loss and accuracy with units silenced for real; see `silence_cost`.

    Returns:
        One row per unit or group.
        cost: increase of the mean cross entropy in nats.
        accuracy: share of the images that are recognized without these units.
    """
    settings = settings or AnalysisSettings()
    split = dataset if isinstance(dataset, Split) else network_images(dataset, settings)
    size = min(_IMAGES, settings.batch_size)
    tail = SilencedTail(model, layer, images=size)
    groups = _as_groups(tail.cut, units)
    if not 0 <= split.labels.min() <= split.labels.max() < tail.labels:
        raise InvalidInput(
            f"Model {model.name!r} has {tail.labels} logits, but labels go from {split.labels.min()} to "
            f"{split.labels.max()}."
        )
    gates = np.ones((len(groups) + 1, tail.cut.units), np.float32)  # the last row: nothing is silent
    for number, group in enumerate(groups):
        gates[number, group] = 0
    losses, hits = np.zeros(len(gates)), np.zeros(len(gates))
    steps = math.ceil(len(split) / size)
    for step, (x, y) in enumerate(measuring_batches(split, batch_size=size, preprocess=preprocess), start=1):
        labels = ops.convert_to_numpy(y)
        for rows, logits in tail.logits(x, gates):
            check_no_probabilities(logits[0])
            losses[rows] += cross_entropies(logits, labels).sum(axis=1)
            hits[rows] += (logits.argmax(axis=2) == labels).sum(axis=1)
        progress(Step("silence", step, steps, layer))
    return pd.DataFrame({"cost": (losses[:-1] - losses[-1]) / len(split), "accuracy": hits[:-1] / len(split)})


class SilencedTail:
    """The part of a network behind a cut, run for many choices of silent units at once.

    Args:
        model: classifier; left as it was.
        layer: path of the cut.
        images: largest number of images a step.
    """

    def __init__(self, model: keras.Model, layer: str, *, images: int) -> None:
        check_backend()
        graph = walk(model)
        logits = find_logits(model, graph)
        (self.cut,) = cut_points(model, layers=[layer])
        self.labels, self._rows = logits.labels, max(1, _COPIES // images)
        calls = _calls_behind(graph, self.cut.tensor, logits.tensor)
        made = {key for call in calls for key in call.outputs}
        read = dict.fromkeys(key for call in calls for key in call.inputs if key not in made)
        # What runs again may also read tensors from before the cut: past a residual block, for example.
        keys = [self.cut.tensor, *(key for key in read if key != self.cut.tensor)]
        self._body = rebuild(model, graph, keys)
        tensors = {
            key: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype)
            for key, tensor in zip(keys, self._body.outputs)
        }
        inputs = list(tensors.values())
        copy_calls(calls, tensors, {})
        network = keras.Model(inputs, tensors[logits.tensor])
        take_softmax_off(network, logits)
        self._gate = Gate(self.cut)
        self._network = network
        self._held = compiled(partial(_outputs, self._body), self._body)
        self._tail = compiled(self._tail_logits, network)

    def logits(self, x: Any, gates: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Logits of some images under each row of gates.

        Args:
            x: n images.
            gates: (G, U) gates, 0 for silent units.

        Yields:
            Which rows of the gates, and the logits (rows, n, K).
        """
        held = self._held(x)
        for first in range(0, len(gates), self._rows):
            part = gates[first : first + self._rows]
            padded = np.ones((self._rows, gates.shape[1]), np.float32)  # one shape, compiled once
            padded[: len(part)] = part
            logits = ops.convert_to_numpy(self._tail(padded, *held))
            yield slice(first, first + len(part)), logits.reshape(self._rows, -1, self.labels)[: len(part)]

    def _tail_logits(self, gates, *held):
        """Logits (rows * n, K), row by row, from gates (rows, U) and what was held of n images."""
        first, *others = [self._for_each_row(tensor) for tensor in held]
        self._gate.values = ops.repeat(gates, ops.shape(held[0])[0], axis=0)
        gated = self._gate(first)
        self._gate.values = None  # a tensor of a traced function must not outlive it
        return ops.cast(self._network([gated, *others], training=False), "float32")

    def _for_each_row(self, tensor):
        each = ops.broadcast_to(tensor[None], (self._rows, *ops.shape(tensor)))
        return ops.reshape(each, (-1, *tensor.shape[1:]))


def _outputs(body: keras.Model, x) -> list:
    return keras.tree.flatten(body(x, training=False))


def _calls_behind(graph: Graph, tensor: int, logits: int) -> list[Call]:
    """Calls between a tensor and the logits, in order."""
    reached, calls = {tensor}, []
    for call in graph.ancestors([logits]):
        if reached.intersection(call.inputs):
            reached.update(call.outputs)
            calls.append(call)
    return calls


def _as_groups(cut: CutPoint, units: Groups | None) -> list[list[int]]:
    """Each unit or group as a list of numbers."""
    if units is not None and np.isscalar(units):
        raise InvalidInput(f"units must be numbers of units, or groups of them; received {units!r}.")
    groups = [[each] if np.ndim(each) == 0 else list(each) for each in (range(cut.units) if units is None else units)]
    for unit in (unit for group in groups for unit in group):
        if not (isinstance(unit, Integral) and 0 <= unit < cut.units):
            raise InvalidInput(f"{cut.layer} has units 0 to {cut.units - 1}; there is no {unit}.")
    return groups
