"""The analysis of a network that is being trained: probes that start from where they were, on few images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.analysis import Analysis, measure_layer
from fm_keras.callbacks.following import Follower
from fm_keras.data import Dataset, check_labels, choose_images, count_batches, measuring_batches
from fm_keras.devices import check_backend
from fm_keras.errors import BadActivations, InvalidInput
from fm_keras.models.inference import without_updates
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import CutPoint, Probe, cut_memory, cut_points
from fm_keras.slicing.compiled import compiled
from fm_keras.slicing.probes import ProbeHeads
from fm_keras.slicing.slices import frozen_body
from fm_keras.training import check_shape, make_schedule

_SAMPLE = 250


class WarmAnalysis:
    """Measures the filters of one model again and again: graphs are traced once, probes start from where they were.

    Args:
        model: the one that is trained; only read.
        dataset: images of K labels.
        layers: paths of cuts; all if None.
        images: at most this many of each split, equally many of every label.
        settings: threshold, clustering, split, largest number of positions, memory limit.
        probe: how the probes are trained each time.
        preprocess: applied to every batch of images.

    Raises:
        CannotCut: the model, or a layer, cannot be cut.
        InvalidInput: unknown layer, images that do not fit, or probes beyond the memory limit.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: Dataset,
        *,
        layers: Iterable[str] | None,
        images: int,
        settings: AnalysisSettings,
        probe: ProbeSettings,
        preprocess: Callable[[Any], Any] | None,
    ) -> None:
        check_backend()
        self.cuts = cut_points(model, layers=layers)
        check_shape(model, dataset, preprocess)
        self.settings = settings
        self.probe = probe.changed(batch_size=probe.batch_size or 50)
        self._data = _chosen(dataset, images, settings.seed)
        _check_memory(self.cuts, dataset.labels, self.probe.batch_size, settings)
        body = frozen_body(model, self.cuts)
        self._follower = Follower(model, body)
        self.heads = WarmHeads(body, self.cuts, dataset.labels, self.probe.l2, settings.max_positions)
        steps = count_batches(len(self._data.train), self.probe.batch_size)
        schedule = make_schedule(self.probe, steps_per_epoch=steps)
        self.heads.compile(keras.optimizers.SGD(schedule, self.probe.momentum, nesterov=True))
        self._batches = {
            name: measuring_batches(getattr(self._data, name), batch_size=size, preprocess=preprocess)
            for name, size in (("train", self.probe.batch_size), ("test", settings.batch_size))
        }

    def measure(self) -> Analysis:
        """The analysis of the model as it is now.

        Raises:
            BadActivations: a layer puts out NaN or infinite values; probes start from zero the next time.
        """
        self._follower.take_weights()
        self.heads.train_again(self._batches["train"], self.probe.epochs)
        accuracies, sums = self.heads.read(self._batches["test"])
        if self.settings.split == "train":
            _, sums = self.heads.read(self._batches["train"])
        split = getattr(self._data, self.settings.split)
        counts = np.bincount(split.labels, minlength=self._data.labels)[:, None]
        kernels = self.heads.kernels_at(self.settings.max_positions)
        measured = []
        for cut, total, kernel, accuracy in zip(self.cuts, sums, kernels, accuracies):
            means = (total / counts).astype(np.float32).reshape(len(counts), *kernel.shape[:-1])
            probe = Probe(cut.layer, kernel, math.nan, float(accuracy))
            measured.append(measure_layer(cut, probe, means, self.settings))
        return Analysis(self._data.label_names, tuple(measured), self._data.name, len(split), self.settings, self.probe)


class WarmHeads(ProbeHeads):
    """Heads that go on from where they were when they are trained again, in the graph that was traced first."""

    def __init__(self, body: keras.Model, cuts: Sequence[CutPoint], labels: int, l2: float, max_positions: int) -> None:
        super().__init__(body, cuts, labels, l2, max_positions)
        # Weights, not numbers: numbers would be traced in.
        self.scales = [
            self.add_weight(shape=(), initializer="ones", trainable=False, name=f"scale_{number}", dtype="float32")
            for number in range(len(cuts))
        ]
        self._norms = compiled(self._square_norms, self)
        self._sums = compiled(self._hits_and_sums, self)

    def features(self, inputs) -> list:
        """Flat activations (B, P * U) of every cut; random layers draw without a trace."""
        with without_updates():
            return super().features(inputs)

    def train_again(self, batches: Iterable, epochs: int) -> None:
        """Train the heads on other activations than before.

        Args:
            batches: images and labels, which can be iterated again.
            epochs: passes over them.

        Raises:
            BadActivations: a head diverged; all start from zero the next time.
        """
        self.standardize(batches)
        for variable in self.optimizer.variables:
            variable.assign(ops.zeros(variable.shape, variable.dtype))
        self.fit(batches, epochs=epochs, shuffle=False, verbose=0)
        if not all(np.isfinite(ops.convert_to_numpy(head)).all() for head in self.heads):
            for head in self.heads:
                head.assign(ops.zeros(head.shape))
            raise BadActivations("A probe diverged: a layer puts out NaN or infinite values on some training images.")

    def read(self, batches: Iterable) -> tuple[np.ndarray, list[np.ndarray]]:
        """What the heads recognize, and the class sums of what they read, in one pass.

        Returns:
            (cuts,) accuracies; for every cut the sum (K, P * U) of its activations over the images of each label.

        Raises:
            BadActivations: a layer puts out NaN or infinite values.
        """
        images, hits, sums = 0, 0, None
        for x, labels in batches:
            found, totals = keras.tree.map_structure(ops.convert_to_numpy, self._sums(x, labels))
            images, hits = images + len(labels), hits + found
            sums = totals if sums is None else [before + total for before, total in zip(sums, totals)]
        for cut, total in zip(self.cuts, sums):
            if not np.isfinite(total).all():
                raise BadActivations(f"Layer {cut.layer!r} puts out NaN or infinite values. Look for diverged weights.")
        return hits / images, sums

    def standardize(self, batches: Iterable) -> None:
        """Scale each cut's features so that their mean square norm over the first images is 1."""
        found: list[list[np.ndarray]] = []
        for x, _ in batches:
            found.append([ops.convert_to_numpy(each) for each in self._norms(x)])
            if sum(len(each[0]) for each in found) >= _SAMPLE:
                break
        for scale, squares in zip(self.scales, zip(*found)):
            scale.assign(1 / max(math.sqrt(float(np.mean(np.concatenate(squares)))), 1e-12))

    def _square_norms(self, inputs) -> list:
        return [ops.sum(ops.square(flat), axis=1) for flat in self.features(inputs)]

    def _hits_and_sums(self, inputs, labels) -> tuple:
        features, count = self.features(inputs), self.heads[0].shape[1]
        said = [ops.argmax(ops.matmul(flat, head), axis=-1) for flat, head in zip(features, self.heads)]
        hits = ops.stack([ops.sum(ops.cast(ops.equal(each, labels), "float32")) for each in said])
        # Not a matrix product, which would round to TF32 on a GPU.
        return hits, [ops.segment_sum(flat, labels, num_segments=count) for flat in features]


def _chosen(dataset: Dataset, images: int, seed: int) -> Dataset:
    """At most so many images of each split, those for training in a random order, which every pass keeps."""
    for name in ("train", "test"):
        check_labels(dataset, name)
    train, test = (
        choose_images(each, images, labels=dataset.labels, seed=seed) for each in (dataset.train, dataset.test)
    )
    train = train.take(np.random.default_rng(seed).permutation(len(train)))
    return Dataset(dataset.name, train, test, dataset.label_names)


def _check_memory(cuts: Sequence[CutPoint], labels: int, batch_size: int, settings: AnalysisSettings) -> None:
    sizes = {"labels": labels, "max_positions": settings.max_positions, "batch_size": batch_size}
    need = sum(cut_memory(cut, **sizes) for cut in cuts) / 1e9
    if need > settings.memory_limit:
        raise InvalidInput(
            f"Probes of {len(cuts)} layers and {labels:,} labels take {need:.2g} GB, beyond the memory limit of "
            f"{settings.memory_limit:g} GB. Choose some layers (layers=[{cuts[-1].layer!r}]), or raise the limit."
        )
