"""Masks that keep the connections between units with a label in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, Graph
from fm_keras.pruning.masks.connections import Connections, choose_connections, connections_of, without_connections
from fm_keras.pruning.masks.unit_labels import Labels, carried_labels
from fm_keras.pruning.surgery.dependencies import Dependencies


class LabelMasks:
    """The connections of a model, to be masked by the labels of its units.

    Args:
        model: classifier; left as it was.
        found: of the model.
        layers: paths of the layers that may be masked; all if None.

    Raises:
        InvalidInput: a layer without connections.
    """

    def __init__(self, model: keras.Model, found: Dependencies, layers: Iterable[str] | None) -> None:
        self._found = found
        self._named = layers is not None
        connected = connections_of(found)
        self._chosen = choose_connections(model, connected, layers)
        self._heads = _heads(found.graph, connected)

    def make(self, labels: Labels) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """Masks of the layers that connect units with known labels, and why others are left whole.

        Args:
            labels: of the units that layers make, by path; of the same K labels.

        Raises:
            InvalidInput: a layer that was named is left whole.
        """
        carried = carried_labels(self._found, labels)
        count = next(iter(labels.values())).shape[1]
        masks, whole = {}, {} if self._named else without_connections(self._found)
        for path, each in self._chosen.items():
            read = [carried[call.inputs[0]] for call in each.calls]
            made = [self._made(call, carried, count) for call in each.calls]
            reason = self._reason(each, read, made, count)
            if reason is None:
                masks[path] = np.any([_share_a_label(each, *pair) for pair in zip(read, made)], axis=0)
            elif self._named:
                raise InvalidInput(f"{path!r} of {self._found.model_name!r} cannot be masked by labels: {reason}.")
            else:
                whole[path] = reason
        return masks, whole

    def _made(self, call: Call, carried: Mapping[int, np.ndarray], count: int) -> np.ndarray:
        """(U, K) labels of what a call puts out; output j of the head has label j."""
        labels = carried[call.outputs[0]]
        return np.eye(count) if call.path in self._heads and len(labels) == count else labels

    def _reason(
        self, each: Connections, read: Sequence[np.ndarray], made: Sequence[np.ndarray], count: int
    ) -> str | None:
        if np.isnan(np.concatenate(read)).any():
            return "it reads units of which nothing was measured"
        if not np.isnan(np.concatenate(made)).any():
            return None
        if any(call.path in self._heads for call in each.calls):
            return f"it puts out {each.shape[1]} labels, and {count} were measured"
        return "nothing was measured of its own units"


def _heads(graph: Graph, connected: Mapping[str, Connections]) -> set[str]:
    """Paths of the calls that put out logits: the last with connections before each output."""
    paths = {call.path for each in connected.values() for call in each.calls}
    made_by = {key: call for call in graph.calls for key in call.outputs}
    heads = set()
    for key in graph.outputs:
        call = made_by.get(key)
        while call is not None and call.path not in paths and len(call.inputs) == 1:
            call = made_by.get(call.inputs[0])
        if call is not None and call.path in paths:
            heads.add(call.path)
    return heads


def _share_a_label(each: Connections, read: np.ndarray, made: np.ndarray) -> np.ndarray:
    """(channels, units put out) whether what a connection reads and what it makes share a label."""
    shared = read.astype(np.float32) @ made.T.astype(np.float32) > 0
    return shared[each.read, np.arange(each.shape[1])]
