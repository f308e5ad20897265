"""From the axes of a sweep to its trials: one network, some images, one seed each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.models import architecture, suited_spec
from fm_keras.settings import ModelSpec, Preset, Settings, SweepSettings


class Trial(Settings):
    """What one trial has of every axis."""

    name: str
    """model and axes, such as lenet-w6-r2.667-s0; the row and the folder of the trial"""
    model: str
    """architecture, or name of the user's function"""
    width: int
    """filters of the first convolution"""
    ratio: float | None = None
    """LeNet: filters of the second convolution for each of the first"""
    batch_norm: bool | None = None
    """BatchNorm after every convolution; None for a user's function"""
    labels: int
    """number of labels, K"""
    samples: int
    """training images, equally many of every label as far as there are"""
    seed: int
    """seed of weights, order, augmentation and of the choice of labels and images"""

    @property
    def axes(self) -> dict[str, Any]:
        """Its columns of trials.csv: the name as `trial`, and the axes."""
        own = self.model_dump()
        return {"trial": own.pop("name"), **own}


def list_trials(
    settings: SweepSettings, dataset: Dataset, *, preset: Preset = "quick", function: str | None = None
) -> list[Trial]:
    """All trials of a sweep, each once, by model, width, ratio, BatchNorm, labels, samples and seed.

    Args:
        settings: the axes.
        dataset: all images.
        preset: of the training, see `suited_spec`.
        function: name of the user's function of the width; the architectures of the settings if None.

    Raises:
        InvalidInput: an axis that a model does not have, or more labels or images than there are.
    """
    found = {}
    for model, width, ratio, norm in _designs(settings, dataset, preset, function):
        for labels, samples, seed in _images(settings, dataset):
            known = {"width": width, "ratio": ratio, "labels": labels, "samples": samples, "seed": seed}
            usual = function is not None or norm == architecture(model).batch_norm
            name = trial_name(
                model,
                width,
                seed,
                ratio=ratio,
                batch_norm=None if usual else norm,
                labels=labels if labels < dataset.labels else None,
                samples=samples if samples < _available(dataset, labels) else None,
            )
            found.setdefault(name, Trial(name=name, model=model, batch_norm=norm, **known))
    return list(found.values())


def trial_name(
    model: str,
    width: int,
    seed: int,
    *,
    ratio: float | None = None,
    batch_norm: bool | None = None,
    labels: int | None = None,
    samples: int | None = None,
) -> str:
    """Name of a trial: model, width, ratio, whatever else is not as usual (None: it is), seed."""
    parts = [re.sub(r"[^\w.]+", "_", model), f"w{width}"]
    parts += [f"r{ratio:.4g}"] if ratio else []
    parts += [] if batch_norm is None else ["bn" if batch_norm else "nobn"]
    parts += [f"k{labels}"] if labels else []
    parts += [f"n{samples}"] if samples else []
    return "-".join([*parts, f"s{seed}"])


def trial_spec(trial: Trial, image_shape: tuple[int, int, int], preset: Preset) -> ModelSpec:
    """The network of a trial, complete.

    Raises:
        InvalidInput: no such architecture, or a setting that it does not have.
    """
    own = {"batch_norm": trial.batch_norm, "depth_ratio": trial.ratio, "labels": trial.labels}
    spec = ModelSpec(name=trial.model, width=trial.width, image_shape=image_shape, **own)
    return suited_spec(spec, preset=preset, train_images=trial.samples)


def drawn_labels(dataset: Dataset, count: int, seed: int) -> list[int]:
    """Numbers of the labels of a trial, ascending: those of a smaller count are among those of a larger one."""
    if count == dataset.labels:
        return list(range(count))
    return sorted(np.random.default_rng(seed).permutation(dataset.labels)[:count].tolist())


def _designs(
    settings: SweepSettings, dataset: Dataset, preset: Preset, function: str | None
) -> Iterator[tuple[str, int, float | None, bool | None]]:
    """Model, width, ratio and BatchNorm of every network, with the architecture's own where nothing was asked for."""
    if function is not None:
        if settings.ratios or settings.pairs or settings.batch_norms:
            raise InvalidInput(f"{function} is a function of the width alone: leave ratios, pairs and batch_norms out.")
        yield from ((function, width, None, None) for width in settings.widths)
        return
    sizes = settings.pairs or tuple(product(settings.widths, settings.ratios or (None,)))
    for model, (width, ratio), norm in product(settings.models, sizes, settings.batch_norms or (None,)):
        spec = ModelSpec(name=model, width=width, depth_ratio=ratio, batch_norm=norm)
        spec = suited_spec(spec, preset=preset, train_images=len(dataset.train))
        yield model, width, spec.depth_ratio, spec.batch_norm


def _images(settings: SweepSettings, dataset: Dataset) -> Iterator[tuple[int, int, int]]:
    """Labels, training images and seed of every trial of a network."""
    for labels, asked in product(settings.label_counts or (dataset.labels,), settings.samples or (None,)):
        if not 2 <= labels <= dataset.labels:
            raise InvalidInput(f"{dataset.name} has {dataset.labels} labels: {labels} of them cannot be told apart.")
        there = _available(dataset, labels)
        if asked is not None and not labels <= asked <= there:
            images = f"{labels} labels of {dataset.name} have about {there:,} training images"
            raise InvalidInput(f"{asked:,} samples: {images}. Take {labels} to {there}.")
        yield from ((labels, asked or there, seed) for seed in settings.seeds)


def _available(dataset: Dataset, labels: int) -> int:
    """Training images that so many labels have, if all have as many."""
    return len(dataset.train) * labels // dataset.labels
