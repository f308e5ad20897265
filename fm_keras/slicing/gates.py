"""What each unit contributes to the network's own logits, through a gate of one behind every unit.

The contribution of unit u to logit z_k is d z_k / d g_u at gates g of one: the sum over positions of its activation
times d z_k / d activation.  One forward pass and a backward pass for each logit serve all layers at once.

Keras offers no gradients by itself, so this module imports TensorFlow or JAX by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.devices import check_backend
from fm_keras.errors import BadActivations, CannotCut, InvalidInput
from fm_keras.models.graph import free_name, rebuild, walk
from fm_keras.models.inference import without_updates
from fm_keras.slicing.compiled import compiled_by_image
from fm_keras.slicing.cuts import cut_points
from fm_keras.slicing.gate_layer import Gate, check_silenced, open_gates
from fm_keras.slicing.logits import check_no_probabilities, find_logits, take_softmax_off

FEW_LABELS = 16
"""up to so many logits, contributions are taken to all of them"""


@dataclass(frozen=True, eq=False)
class Contributions:
    """What the units of a network contribute to its logits, for N images."""

    logits: np.ndarray
    """(N, K) float32, a final softmax taken off"""
    outputs: np.ndarray
    """(N, M) the logits of each image to which contributions were taken: all K, or with many labels its label and the
    largest ones"""
    units: dict[str, np.ndarray]
    """layer path -> (N, U, M) float32"""

    @property
    def chosen(self) -> np.ndarray | None:
        """The outputs, (N, M); None where contributions were taken to all."""
        return None if self.outputs.shape[1] == self.logits.shape[1] else self.outputs

    def dense(self) -> dict[str, np.ndarray]:
        """Layer path -> (N, U, K): zero where no contribution was taken."""
        return {layer: self._spread(values) for layer, values in self.units.items()}

    def _spread(self, values: np.ndarray) -> np.ndarray:
        if self.chosen is None:
            return values
        spread = np.zeros((*values.shape[:2], self.logits.shape[1]), np.float32)
        np.put_along_axis(spread, np.broadcast_to(self.outputs[:, None], values.shape), values, axis=2)
        return spread


def unit_contributions(
    model: keras.Model,
    x: Any,
    *,
    layers: Iterable[str] | None = None,
    labels: np.ndarray | None = None,
    outputs: int = 10,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What each unit of each layer contributes to the network's logits, image by image.

    c[n, u, k] = d z_k(x_n) / d g_u at gates g of one that multiply the units.  All images are worked on at once:
    `network_fields` streams.

    Args:
        model: classifier with one output of logits or of their softmax, Functional or Sequential; left as it was.
        x: N images, or a dict of named inputs.
        layers: paths of cuts, as `cut_points` names them; all if None.
        labels: (N,) labels of the images, always among the outputs that are kept where there are many.
        outputs: beyond 16 logits, contributions are taken to so many of each image, its label and the largest; those
            to the others are left zero.

    Returns:
        Logits (N, K), and by layer the contributions (N, U, K), both float32.

    Raises:
        InvalidInput: no logits to be found, an unknown layer, no images, labels that do not fit.
        CannotCut: no gradient reaches a layer.
        BadActivations: images or contributions that are NaN or infinite.

    Source: *ours*; linearizing the loss too gives arXiv:1611.06440.

    Example:
        >>> import keras, numpy as np
        >>> from keras.layers import Dense
        >>> model = keras.Sequential([keras.Input((4,)), Dense(3, "relu", name="hidden"), Dense(2, use_bias=False)])
        >>> logits, contributions = unit_contributions(model, np.ones((5, 4), "float32"))
        >>> bool(np.allclose(contributions["hidden"].sum(axis=1), logits, atol=1e-6))
        True
    """
    found = GatedModel(model, layers=layers, outputs=outputs).contributions(x, labels)
    return found.logits, found.dense()


class GatedModel:
    """A frozen copy of a model with a gate behind every unit of some cuts, ready to be asked for contributions.

    Args:
        model: classifier; left as it was.
        layers: paths of cuts; all if None.
        outputs: beyond 16 logits, contributions are taken to so many of each image.

    Raises:
        InvalidInput: no logits to be found, or an unknown layer.
        BadActivations: weights that are NaN or infinite.
    """

    def __init__(self, model: keras.Model, *, layers: Iterable[str] | None = None, outputs: int = 10) -> None:
        check_backend()
        graph = walk(model)
        logits = find_logits(model, graph)
        self.cuts = cut_points(model, layers=layers)
        self.labels = logits.labels
        self.outputs = self.labels if self.labels <= FEW_LABELS else min(outputs, self.labels)
        names = {cut.tensor: free_name(f"gate_{cut.tensor}", model, graph) for cut in self.cuts}
        gates = {cut.tensor: Gate(cut, names[cut.tensor]) for cut in self.cuts}
        self.network = rebuild(model, graph, [logits.tensor], through=gates)
        take_softmax_off(self.network, logits)
        _check_weights(self.network)
        self._gates = list(gates.values())
        slopes = _jax_slopes if keras.backend.backend() == "jax" else _tensorflow_slopes
        self._slopes = compiled_by_image(partial(slopes, self), self.network)
        self._logits = compiled_by_image(self.logits, self.network)

    def contributions(
        self, x: Any, labels: np.ndarray | None = None, *, silenced: Mapping[str, Sequence[int]] | None = None
    ) -> Contributions:
        """What the units contribute to the logits of some images, in one step, or a few where outputs are many.

        Args:
            x: N images, or a dict of named inputs.
            labels: (N,) labels, always among the outputs that are kept where there are many.
            silenced: units by layer that are off meanwhile; their contributions are zero.

        Raises:
            InvalidInput: no images, labels that do not fit the logits, or units to silence that are not there.
            CannotCut: no gradient reaches a layer.
            BadActivations: images or contributions that are NaN or infinite.
        """
        x = keras.tree.map_structure(ops.convert_to_tensor, x)
        count = len(keras.tree.flatten(x)[0])
        if count == 0:
            raise InvalidInput("x holds no images; give one or more.")
        _check_finite(x)
        check_silenced(self.cuts, silenced or {})
        if labels is not None:
            labels = self._checked(labels, count)
        gates = [np.repeat(open_gates(cut, silenced)[None], count, axis=0) for cut in self.cuts]
        outputs = self._kept_outputs(x, gates, labels)
        parts = [self._slopes(x, gates, part) for part in _parts(outputs)]
        slopes = [
            np.concatenate([ops.convert_to_numpy(each) for each in layer], axis=1)
            for layer in zip(*(part[1] for part in parts))
        ]
        by_layer = {
            cut.layer: np.moveaxis(each[:, : self.outputs], 1, -1) * gate[..., None]
            for cut, each, gate in zip(self.cuts, slopes, gates)
        }
        result = Contributions(ops.convert_to_numpy(parts[0][0]), outputs, by_layer)
        self._check(result, x, gates)
        return result

    def logits(self, x: Any, gates: Sequence[Any] | None):
        """Logits (N, K) in float32 with gates (N, U) for each cut, or with all open."""
        for gate, values in zip(self._gates, gates or [None] * len(self._gates)):
            gate.values = values
        try:
            with without_updates():
                (logits,) = keras.tree.flatten(self.network(x, training=False))
        finally:
            for gate in self._gates:  # a tensor of a traced function must not outlive it
                gate.values = None
        return ops.cast(logits, "float32")

    def _kept_outputs(self, x: Any, gates: list[np.ndarray], labels: np.ndarray | None) -> np.ndarray:
        """Numbers (N, M) of the logits to which contributions are taken."""
        if self.outputs == self.labels:
            return np.tile(np.arange(self.labels, dtype=np.int32), (len(gates[0]), 1))
        logits = np.array(ops.convert_to_numpy(self._logits(x, gates)))
        if labels is not None:
            logits[np.arange(len(labels)), labels] = np.inf
        return np.argsort(-logits, axis=1, kind="stable")[:, : self.outputs].astype(np.int32)

    def _checked(self, labels: np.ndarray, count: int) -> np.ndarray:
        labels = np.asarray(labels)
        fits = labels.shape == (count,) and labels.dtype.kind in "iu"
        if not fits or not 0 <= labels.min() <= labels.max() < self.labels:
            raise InvalidInput(
                f"labels must be whole numbers from 0 to {self.labels - 1}, one for each image, as the network has "
                f"{self.labels} logits; received {labels.dtype} of shape {labels.shape}"
                f"{f', {labels.min()} to {labels.max()}' if labels.size else ''}."
            )
        return labels

    def _check(self, found: Contributions, x: Any, gates: list[np.ndarray]) -> None:
        for cut in self.cuts:
            broken = int((~np.isfinite(found.units[cut.layer])).any(axis=(0, 2)).sum())
            if broken:
                raise BadActivations(
                    f"Layer {cut.layer!r}: the contributions of {broken} of {cut.units} units to the logits are NaN "
                    "or infinite. Look for diverged weights or images that are not finite."
                )
        broken = int((~np.isfinite(found.logits)).any(axis=1).sum())
        if broken:
            raise BadActivations(
                f"The logits of {broken} of {len(found.logits)} images are NaN or infinite. "
                "Look for diverged weights or images that are not finite."
            )
        check_no_probabilities(found.logits)
        for number, cut in enumerate(self.cuts):
            off = [*gates[:number], np.zeros_like(gates[number]), *gates[number + 1 :]]
            if not found.units[cut.layer].any() and self._change(found.logits, x, off):
                raise CannotCut(
                    f"No gradient reaches layer {cut.layer!r} from the logits, though they depend on it: something "
                    "behind it rounds, chooses or stops gradients. Leave the layer out (layers=...)."
                )

    def _change(self, logits: np.ndarray, x: Any, gates: list[np.ndarray]) -> bool:
        """Whether other gates make other logits."""
        return not np.allclose(ops.convert_to_numpy(self._logits(x, gates)), logits, rtol=1e-3, atol=1e-5)


def _check_weights(network: keras.Model) -> None:
    # A relu may turn NaN into zero here, too.
    for layer in network.layers:
        if not all(np.isfinite(weights).all() for weights in layer.get_weights() if weights.dtype.kind == "f"):
            raise BadActivations(
                f"Layer {layer.name!r} has weights that are NaN or infinite. Look for a diverged training: a smaller "
                "learning rate may do."
            )


def _check_finite(x: Any) -> None:
    # A relu may turn NaN into zero, so that nothing behind it tells of broken images.
    for each in keras.tree.flatten(x):
        if keras.backend.is_float_dtype(each.dtype) and not bool(ops.all(ops.isfinite(each))):
            raise BadActivations("Some images hold values that are NaN or infinite. Look at how they were prepared.")


def _parts(outputs: np.ndarray) -> list[np.ndarray]:
    """Outputs (N, M) in parts of equal width, few enough to be compiled at once; the last is filled up."""
    count = -(-outputs.shape[1] // FEW_LABELS)
    width = -(-outputs.shape[1] // count)
    filled = np.pad(outputs, ((0, 0), (0, count * width - outputs.shape[1])), mode="edge")
    return np.split(filled, count, axis=1)


def _tensorflow_slopes(gated: GatedModel, x, gates, outputs):
    """Logits (N, K), and for each cut d logits / d gates (N, m, U), for outputs (N, m)."""
    import tensorflow as tf

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(gates)
        logits = gated.logits(x, gates)
    slopes = [
        tape.gradient(
            logits,
            gates,
            output_gradients=ops.one_hot(outputs[:, number], gated.labels),
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        for number in range(outputs.shape[1])
    ]
    return logits, [ops.stack(each, axis=1) for each in zip(*slopes)]


def _jax_slopes(gated: GatedModel, x, gates, outputs):
    """As `_tensorflow_slopes`."""
    import jax

    logits, pull_back = jax.vjp(lambda gates: gated.logits(x, gates), gates)
    # Not a loop of lax: inside one, the convolutions of XLA on CPUs are four times slower.
    rows = [ops.one_hot(outputs[:, number], gated.labels) for number in range(outputs.shape[1])]
    return logits, [ops.stack(each, axis=1) for each in zip(*(pull_back(row)[0] for row in rows))]
