"""Where a network's logits are: what a final softmax reads; and the loss they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import logsumexp

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, Graph
from fm_keras.models.outputs import describe_outputs

_PROBES_DO = "Fields of probes (fields='probe') need no logits."
_PASSING = ("linear", "identity", "log_softmax", "logsoftmax", "dropout")


@dataclass(frozen=True)
class Logits:
    """The logits of a network."""

    tensor: int
    """key of the tensor in `fm_keras.models.graph.walk`"""
    labels: int
    """how many there are, K"""
    softmax_in: str | None
    """path of the layer whose own activation is the softmax to take off, or its logarithm; None if it has none"""


def find_logits(model: keras.Model, graph: Graph) -> Logits:
    """The tensor of logits of a classifier with one output, a final softmax taken off.

    Raises:
        InvalidInput: several outputs, an output that is not (N, K), or another activation than softmax behind it.
    """
    if len(graph.outputs) != 1:
        raise InvalidInput(
            f"Model {model.name!r} has {len(graph.outputs)} outputs, and one with logits is needed: "
            f"{describe_outputs(model)}. Choose it with output= (--output), or "
            "fm_keras.models.choose_output(model, name)."
        )
    makers = {key: call for call in graph.calls for key in call.outputs}
    tensor = graph.outputs[0]
    while tensor in makers and _activation(makers[tensor]) in _PASSING and len(makers[tensor].inputs) == 1:
        tensor = makers[tensor].inputs[0]
    call = makers.get(tensor)
    shape = call.output_shapes[0] if call else ()
    if call is None or len(shape) != 2 or shape[1] is None or shape[1] < 2:
        raise InvalidInput(
            f"Model {model.name!r} puts out {shape or 'its input'}. Logits (N, K) of two or more labels were looked "
            f"for, or a softmax of them. {_PROBES_DO}"
        )
    found = _activation(call)
    if found == "softmax" and getattr(call.layer, "axis", -1) in (-1, 1):
        return Logits(call.inputs[0], shape[1], None)
    own = found or _name(getattr(call.layer, "activation", None))
    if found is None and own in ("softmax", "log_softmax"):
        _check_called_once(model, graph, call)
        return Logits(tensor, shape[1], call.path)
    if own not in _PASSING:
        raise InvalidInput(
            f"Model {model.name!r} ends in {own} (layer {call.path!r}). Logits were looked for: a linear output "
            f"(N, K), or a softmax of it. {_PROBES_DO}"
        )
    return Logits(tensor, shape[1], None)


def take_softmax_off(network: keras.Model, logits: Logits) -> None:
    """Let a rebuilt network put out logits where its last layer has a softmax of its own."""
    if logits.softmax_in is not None:
        network.get_layer(logits.softmax_in.replace("/", "__").replace(":", "__")).activation = keras.activations.linear


def cross_entropies(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Loss (..., n) in nats of each image, from logits (..., n, K) and labels (n,)."""
    return logsumexp(logits, axis=-1) - logits[..., np.arange(len(labels)), labels]


def check_no_probabilities(logits: np.ndarray) -> None:
    """Refuse what a softmax put out that could not be seen: one inside a layer of the user's, or reshaped behind it.

    Args:
        logits: (n, K) what was taken for the logits of n images.

    Raises:
        InvalidInput: all rows are probabilities.
    """
    if len(logits) > 1 and (logits >= 0).all() and np.allclose(logits.sum(axis=1), 1, rtol=0, atol=1e-4):
        raise InvalidInput(
            "What was found in place of logits are probabilities, from 0 to 1 and 1 in sum for every image: a softmax "
            "hides in another layer, or something follows it. End the model in its logits or in keras.layers.Softmax."
        )


def _check_called_once(model: keras.Model, graph: Graph, last: Call) -> None:
    if sum(call.layer is last.layer for call in graph.calls) > 1:
        raise InvalidInput(
            f"Model {model.name!r} calls its last layer {last.path!r} more than once, so its softmax cannot be taken "
            "off for the output alone: give the output a layer of its own."
        )


def _activation(call: Call) -> str | None:
    """Name of the activation that a call is, if it is nothing else."""
    layer = call.layer
    if isinstance(layer, keras.layers.Activation):
        return _name(layer.activation)
    name = type(layer).__name__.lower()
    return name if name in (*_PASSING, *_SQUASHING) else None


def _name(activation: Callable | None) -> str:
    """Name of an activation, be it a function, a layer or none."""
    if activation is None:
        return "linear"
    return getattr(activation, "__name__", type(activation).__name__).lower()


_SQUASHING = (
    "softmax relu relu6 leakyrelu prelu elu selu celu gelu silu sigmoid hardsigmoid hardsilu tanh hardtanh "
    "softplus softsign mish"
).split()
