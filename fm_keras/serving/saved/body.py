"""The network inside an export: a frozen copy that puts out its logits and what its probes read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from fm_keras.analysis import Analysis
from fm_keras.errors import InvalidInput
from fm_keras.models.graph import rebuild, walk
from fm_keras.slicing import CutPoint, cut_points, probe_positions
from fm_keras.slicing.logits import find_logits, take_softmax_off
from fm_keras.slicing.slices import flat_activations

if TYPE_CHECKING:
    import tensorflow as tf

IMAGE = "image"
INDICES = ("layer_index", "filter_index")


class Body:
    """A frozen copy of a network, with the cuts of an analysis.

    Args:
        model: classifier; left as it was.
        analysis: of its filters.
        preprocess: applied to every batch of images, as when the analysis was made.

    Raises:
        InvalidInput: no logits to be found, an analysis of another network, or names of inputs that are taken.
    """

    def __init__(self, model: keras.Model, analysis: Analysis, preprocess: Callable[[Any], Any] | None = None) -> None:
        graph = walk(model)
        logits = find_logits(model, graph)
        self.outputs = logits.labels
        self.cuts = cut_points(model, layers=[filters.layer for filters in analysis])
        _check_analysis(model, analysis, self.cuts)
        self.network = rebuild(model, graph, [logits.tensor, *(cut.tensor for cut in self.cuts)])
        take_softmax_off(self.network, logits)
        self.names = _input_names(self.network)
        self._preprocess, self._max_positions = preprocess, analysis.settings.max_positions

    def image_specs(self) -> list[tf.TensorSpec]:
        """One for each input; the only one is called `image`."""
        import tensorflow as tf

        inputs = keras.tree.flatten(self.network.input)
        return [
            tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=name)
            for name, tensor in zip(self.names, inputs, strict=True)
        ]

    def logits(self, images: Sequence):
        """Logits (N, L) float32 of images, one tensor for each input."""
        return keras.ops.cast(self._run(images)[0], "float32")

    def activations(self, images: Sequence) -> list:
        """Activations (N, P, U) of every cut as its probe reads them."""
        maps = self._run(images)[1:]
        return [flat_activations(each, cut, self._max_positions) for each, cut in zip(maps, self.cuts)]

    def _run(self, images: Sequence) -> list:
        x = keras.tree.pack_sequence_as(self.network.input, list(images))
        return self.network(x if self._preprocess is None else self._preprocess(x), training=False)


def _input_names(network: keras.Model) -> list[str]:
    given = network.input
    if isinstance(given, dict):
        names = keras.tree.flatten({name: name for name in given})
    else:
        names = [tensor.name for tensor in keras.tree.flatten(given)]
    if len(names) == 1:
        return [IMAGE]
    taken = sorted({*INDICES, "inputs", "image_bytes"}.intersection(names))
    if taken:
        raise InvalidInput(
            f"Model {network.name!r} has an input called {taken[0]!r}, as an input of every export is. "
            "Give it another name."
        )
    return names


def _check_analysis(model: keras.Model, analysis: Analysis, cuts: Sequence[CutPoint]) -> None:
    if [cut.layer for cut in cuts] != [filters.layer for filters in analysis]:
        raise InvalidInput(f"The layers of the analysis stand in another order than in model {model.name!r}.")
    for cut, filters in zip(cuts, analysis):
        positions = math.prod(probe_positions(cut, analysis.settings.max_positions))
        here = (positions if filters.kernel is not None else 1, cut.units)
        measured = filters.kernel.shape[:2] if filters.kernel is not None else (1, len(filters))
        if here != measured:
            raise InvalidInput(
                f"Layer {cut.layer!r} of model {model.name!r} has {here[0]} x {here[1]} positions and units, but "
                f"{measured[0]} x {measured[1]} were measured: the analysis is of another network. Analyze this one."
            )
