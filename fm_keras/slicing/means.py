"""Class-mean activations of every layer in one pass, summed inside the compiled step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.data import Dataset, Split, check_labels, measuring_batches
from fm_keras.devices import check_backend, has_gpu
from fm_keras.distribution import spread_over
from fm_keras.errors import BadActivations
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing.cuts import CutPoint, cut_points, probe_positions
from fm_keras.slicing.groups import group_cuts
from fm_keras.slicing.slices import cut_activations, frozen_body


def class_means(
    model: keras.Model,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """Mean activation of every label at each cut.

    Sums are taken in float32 inside the compiled step, and divided by the number of images of each label, so that
    unbalanced labels count alike; memory does not grow with the number of images.

    Args:
        model: functional or Sequential; left as it was.
        dataset: images of K labels; `settings.split` says which split.
        layers: paths of cuts; all if None.
        settings: split, batch size, devices, largest number of positions, memory limit.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Layer path -> (K, *P, U) float32, P the positions of the cut after pooling.

    Raises:
        InvalidInput: a label has no images in the split.
        BadActivations: a layer puts out NaN or infinite values.
    """
    check_backend()
    settings = settings or AnalysisSettings()
    split: Split = getattr(dataset, settings.split)
    check_labels(dataset, settings.split)
    counts = np.bincount(split.labels, minlength=len(dataset.label_names))
    groups = group_cuts(
        cut_points(model, layers=layers),
        labels=len(counts),
        max_positions=settings.max_positions,
        batch_size=settings.batch_size,
        memory_limit=settings.memory_limit,
    )
    means: dict[str, np.ndarray] = {}
    with spread_over(settings.devices) as devices:
        batches = measuring_batches(split, batch_size=settings.batch_size, devices=devices, preprocess=preprocess)
        for number, cuts in enumerate(groups):
            report = _Report(progress, number, len(groups), len(batches))
            means.update(_group_means(model, cuts, batches, counts, settings, report))
    return means


def _group_means(
    model: keras.Model,
    cuts: Sequence[CutPoint],
    batches: Iterable,
    counts: np.ndarray,
    settings: AnalysisSettings,
    report: keras.callbacks.Callback,
) -> dict[str, np.ndarray]:
    summing = ClassSums(frozen_body(model, cuts), cuts, labels=len(counts), max_positions=settings.max_positions)
    summing.compile()
    summing.evaluate(batches, callbacks=[report], verbose=0)
    means = {}
    for cut, total in zip(cuts, summing.sums.totals):
        sums = ops.convert_to_numpy(total).reshape(len(counts), -1, cut.units)
        broken = int((~np.isfinite(sums)).any(axis=(0, 1)).sum())
        if broken:
            raise BadActivations(
                f"Layer {cut.layer!r} puts out NaN or infinite values in {broken} of {cut.units} units on the "
                f"{settings.split} images. Look for diverged weights: a smaller learning rate may do."
            )
        shape = (len(counts), *probe_positions(cut, settings.max_positions), cut.units)
        means[cut.layer] = (sums / counts[:, None, None]).reshape(shape).astype(np.float32)
    return means


class ClassSums(keras.Model):
    """Runs a body over labeled images and keeps the class sums of what it puts out.

    Args:
        body: frozen model with one output per cut.
        cuts: the cuts.
        labels: K.
        max_positions: maps with more positions are average-pooled.
    """

    def __init__(self, body: keras.Model, cuts: Sequence[CutPoint], *, labels: int, max_positions: int) -> None:
        super().__init__(name="class_sums", dtype="float32")
        self.body, self.cuts, self.max_positions = body, list(cuts), max_positions
        sizes = [math.prod(probe_positions(cut, max_positions)) * cut.units for cut in cuts]
        self.sums = _Sums(labels, sizes)

    def call(self, inputs, training: bool | None = None):
        """Activations of every cut, each (B, P, U)."""
        return cut_activations(self.body, inputs, self.cuts, self.max_positions)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Nothing is learned here."""
        return ops.zeros(())

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Add a batch to the sums."""
        self.sums.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()


class _Sums(keras.metrics.Metric):
    """Sum over the images of each label, for several activations."""

    def __init__(self, labels: int, sizes: Sequence[int]) -> None:
        super().__init__(name="sums", dtype="float32")
        self.labels, self.by_index = labels, has_gpu()
        self.totals = [
            self.add_variable((labels, size), initializer="zeros", name=f"total_{number}", dtype="float32")
            for number, size in enumerate(sizes)
        ]

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Add activations (B, P, U) to the sums of their labels (B,), but for images of weight zero."""
        for total, activation in zip(self.totals, y_pred):
            flat = ops.reshape(activation, (-1, total.shape[1]))
            if sample_weight is not None:
                flat = ops.where(ops.expand_dims(sample_weight, 1) > 0, flat, 0.0)
            if self.by_index:  # a matrix product would round to TF32 on a GPU
                total.assign_add(ops.segment_sum(flat, y_true, num_segments=self.labels))
            else:
                total.assign_add(ops.matmul(ops.transpose(ops.one_hot(y_true, self.labels, dtype="float32")), flat))

    def result(self):
        """Sum of the first activations: a number to put in the logs, the sums are in `totals`."""
        return ops.sum(self.totals[0])


class _Report(keras.callbacks.Callback):
    """Tells progress about the steps of one group of several."""

    def __init__(self, progress: Progress, group: int, groups: int, steps: int) -> None:
        super().__init__()
        self.progress, self.done, self.total = progress, group * steps, groups * steps

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.progress(Step("measure", self.done + batch + 1, self.total))
