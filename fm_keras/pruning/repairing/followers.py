"""What takes up the output of a layer at once: BatchNorm, and an activation that cuts it off."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from fm_keras.models.graph import Call, Graph
from fm_keras.pruning.repairing.refit import Clip
from fm_keras.pruning.surgery.layer_kinds import unit_axis

_HIGHEST = {"Relu": np.inf, "Relu6": 6.0}


@dataclass(frozen=True, eq=False)
class Follower:
    """What follows one call."""

    norm: layers.BatchNormalization | None
    """over its units, and read by nothing else"""
    high: float | None
    """where the activation behind it cuts off, which it also does at zero; None: nothing is cut off"""

    def clip(self, units: int) -> Clip | None:
        """What of each unit is cut off."""
        if self.high is None:
            return None
        scale, shift = (np.ones(units), np.zeros(units)) if self.norm is None else norm_line(self.norm)
        return Clip(scale.astype(np.float32), shift.astype(np.float32), self.high)


def follower(graph: Graph, call: Call) -> Follower:
    """What follows a call of a layer with a kernel."""
    if getattr(call.layer, "activation", None) not in (None, keras.activations.linear):
        return Follower(None, _highest(call.layer.activation))
    reader, norm = _only_reader(graph, call), None
    if reader is not None and _normalizes_units(graph, reader, unit_axis(call.layer, len(call.output_shapes[0]))):
        norm, reader = reader.layer, _only_reader(graph, reader)
    return Follower(norm, None if reader is None else _cuts_off_at(reader.layer))


def norm_line(norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """(U,) scale and (U,) shift by which a BatchNorm acts in inference, float64."""
    mean, variance = (ops.convert_to_numpy(each).astype(float) for each in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * ops.convert_to_numpy(norm.gamma)
    return scale, (ops.convert_to_numpy(norm.beta) if norm.center else 0) - mean * scale


def _only_reader(graph: Graph, call: Call) -> Call | None:
    (key,) = call.outputs
    readers = graph.consumers().get(key, [])
    return readers[0] if len(readers) == 1 and key not in graph.outputs else None


def _normalizes_units(graph: Graph, call: Call, axis: int) -> bool:
    if type(call.layer) is not layers.BatchNormalization or Counter(each.layer for each in graph.calls)[call.layer] > 1:
        return False
    return call.layer.axis % len(call.input_shapes[0]) == axis


def _cuts_off_at(layer: keras.Operation) -> float | None:
    if isinstance(layer, layers.ReLU):
        plain = not layer.negative_slope and not layer.threshold
        return (np.inf if layer.max_value is None else float(layer.max_value)) if plain else None
    if isinstance(layer, layers.Activation):
        return _highest(layer.activation)
    return _HIGHEST.get(type(layer).__name__)


def _highest(activation) -> float | None:
    return {keras.activations.relu: np.inf, keras.activations.relu6: 6.0}.get(activation)
