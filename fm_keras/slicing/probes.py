"""Dense probes: what a linear reader learns from each layer, all layers trained in the same passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.data import Dataset, filled_batches, measuring_batches, training_batches
from fm_keras.devices import check_backend
from fm_keras.distribution import spread_over
from fm_keras.errors import BadActivations
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing.cuts import CutPoint, cut_points, probe_positions
from fm_keras.slicing.groups import group_cuts
from fm_keras.slicing.slices import cut_activations, frozen_body
from fm_keras.training import make_schedule

_SAMPLE = 500


@dataclass(frozen=True, eq=False)
class Probe:
    """A bias-free Dense layer trained on the frozen activations of one cut."""

    layer: str
    kernel: np.ndarray
    """(*P, U, K) float32"""
    train_accuracy: float
    """running accuracy over the last epoch of the probe's training"""
    test_accuracy: float


def fit_probes(
    model: keras.Model,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    settings: ProbeSettings | None = None,
    analysis: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> dict[str, Probe]:
    """Train a bias-free Dense layer on the frozen activations of each cut, all in the same passes.

    The body runs once for all cuts, in inference mode.  The losses of the probes do not touch each other, so the
    result is that of training one at a time.  Kernels start at zero: the problem is convex.

    Args:
        model: functional or Sequential; left as it was.
        dataset: images of K labels.
        layers: paths of cuts; all if None.
        settings: how probes are trained; the preset `quick` if None.
        analysis: largest number of positions, devices and memory limit.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Layer path -> Probe.

    Source: second phase of arXiv:2305.18078.
    """
    check_backend()
    settings, analysis = settings or ProbeSettings(), analysis or AnalysisSettings()
    settings = settings.changed(batch_size=settings.batch_for(len(dataset.train)))
    groups = group_cuts(
        cut_points(model, layers=layers),
        labels=len(dataset.label_names),
        max_positions=analysis.max_positions,
        batch_size=settings.batch_size,
        memory_limit=analysis.memory_limit,
    )
    probes: dict[str, Probe] = {}
    steps = settings.epochs * math.ceil(len(dataset.train) / settings.batch_size)
    with spread_over(analysis.devices) as devices:
        for number, cuts in enumerate(groups):
            report = _Report(progress, number * steps, len(groups) * steps)
            heads = ProbeHeads(frozen_body(model, cuts), cuts, dataset.labels, settings.l2, analysis.max_positions)
            probes.update(_fit_heads(heads, dataset, settings, devices, preprocess, report))
    return probes


def _fit_heads(
    heads: ProbeHeads,
    dataset: Dataset,
    settings: ProbeSettings,
    devices: int,
    preprocess: Callable[[Any], Any] | None,
    report: keras.callbacks.Callback,
) -> dict[str, Probe]:
    if settings.standardize:
        chosen = np.random.default_rng(settings.seed).permutation(len(dataset.train))[:_SAMPLE]
        sample = dataset.train.take(np.sort(chosen))
        heads.standardize(measuring_batches(sample, batch_size=settings.batch_size, preprocess=preprocess))
    steps = math.ceil(len(dataset.train) / settings.batch_size)
    schedule = make_schedule(settings, steps_per_epoch=steps)
    heads.compile(keras.optimizers.SGD(schedule, settings.momentum, nesterov=True))
    how = {"batch_size": settings.batch_size, "preprocess": preprocess}
    batches = training_batches(dataset.train, seed=settings.seed, epochs=settings.epochs, **how)
    heads.fit(
        filled_batches(batches, devices=devices) if devices > 1 else batches,
        epochs=settings.epochs,
        steps_per_epoch=steps,
        callbacks=[report],
        shuffle=False,
        verbose=0,
    )
    train = heads.accuracies()
    heads.evaluate(measuring_batches(dataset.test, devices=devices, **how), verbose=0)
    kernels = heads.kernels_at(heads.max_positions)
    for cut, kernel in zip(heads.cuts, kernels):
        if not np.isfinite(kernel).all():
            raise BadActivations(
                f"The probe of layer {cut.layer!r} diverged: the layer puts out NaN or infinite values on some "
                "training images, or the probe's learning rate is too large."
            )
    return {
        cut.layer: Probe(cut.layer, kernel, float(on_train), float(on_test))
        for cut, kernel, on_train, on_test in zip(heads.cuts, kernels, train, heads.accuracies())
    }


class ProbeHeads(keras.Model):
    """A frozen body with a bias-free Dense head at every cut.

    Args:
        body: frozen model with one output per cut.
        cuts: the cuts.
        labels: K.
        l2: penalty on the kernels.
        max_positions: maps with more positions are average-pooled.
    """

    def __init__(self, body: keras.Model, cuts: Sequence[CutPoint], labels: int, l2: float, max_positions: int) -> None:
        super().__init__(name="probe_heads", dtype="float32")
        self.body, self.cuts, self.max_positions = body, list(cuts), max_positions
        self.scales = [1.0] * len(cuts)
        self.heads = [
            self.add_weight(
                shape=(math.prod(probe_positions(cut, max_positions)) * cut.units, labels),
                initializer="zeros",
                regularizer=keras.regularizers.L2(l2),
                name=f"head_{number}",
                dtype="float32",
            )
            for number, cut in enumerate(cuts)
        ]
        self.hits = _Hits(len(cuts))
        self.crossed = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32")

    def features(self, inputs) -> list:
        """Flat activations (B, P * U) of every cut."""
        activations = cut_activations(self.body, inputs, self.cuts, self.max_positions)
        return [
            ops.reshape(ops.stop_gradient(activation), (-1, head.shape[0]))
            for activation, head in zip(activations, self.heads)
        ]

    def call(self, inputs, training: bool | None = None) -> list:
        """Logits (B, K) of every probe."""
        return [
            ops.matmul(feature, head) * scale
            for feature, head, scale in zip(self.features(inputs), self.heads, self.scales)
        ]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Sum of the probes' mean cross-entropies and penalties."""
        # Keras divides losses of its own by the number of devices, where their gradients are added up.
        penalties = super().compute_loss(x, y, y_pred, sample_weight, training)
        return penalties + sum(self.crossed(y, logits, sample_weight) for logits in y_pred)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Count the hits of every probe."""
        self.hits.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def accuracies(self) -> np.ndarray:
        """(cuts,) share of hits since the last start of an epoch."""
        return ops.convert_to_numpy(self.hits.result())

    def standardize(self, batches: Iterable) -> None:
        """Scale each cut's features so that their mean square norm over the images is 1."""
        norms = [
            [ops.convert_to_numpy(ops.sum(ops.square(flat), axis=1)) for flat in self.features(x)] for x, _ in batches
        ]
        squares = [float(np.mean(np.concatenate(cut))) for cut in zip(*norms)]
        self.scales = [1 / max(math.sqrt(square), 1e-12) for square in squares]

    def kernels_at(self, max_positions: int) -> list[np.ndarray]:
        """Kernels (*P, U, K) that read the activations as they are."""
        kernels = []
        for cut, head, scale in zip(self.cuts, self.heads, self.scales):
            kernel = ops.convert_to_numpy(head) * np.float32(scale)
            kernels.append(kernel.reshape(*probe_positions(cut, max_positions), cut.units, -1))
        return kernels


class _Hits(keras.metrics.Metric):
    """Accuracy of several classifiers on the same labels."""

    def __init__(self, heads: int) -> None:
        super().__init__(name="hits", dtype="float32")
        self.hits = self.add_variable((heads,), initializer="zeros", name="hits", dtype="float32")
        self.images = self.add_variable((), initializer="zeros", name="images", dtype="float32")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Count a batch but for images of weight zero: labels (B,), logits (B, K) of every head."""
        counted = ops.ones_like(y_true, "float32") if sample_weight is None else ops.cast(sample_weight > 0, "float32")
        hits = [ops.argmax(logits, -1) == ops.cast(y_true, "int32") for logits in y_pred]
        self.hits.assign_add(ops.stack([ops.sum(counted * ops.cast(each, "float32")) for each in hits]))
        self.images.assign_add(ops.sum(counted))

    def result(self):
        """(heads,) accuracies."""
        return self.hits / ops.maximum(self.images, 1.0)


class _Report(keras.callbacks.Callback):
    """Tells progress about the steps of one group of several."""

    def __init__(self, progress: Progress, done: int, total: int) -> None:
        super().__init__()
        self.progress, self.done, self.total = progress, done, total

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.done += 1
        self.progress(Step("probe", self.done, self.total))
