"""Fields for the rules that go by them: of training images, so that the accuracy on test images stays honest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from fm_keras.analysis import Analysis, analyze
from fm_keras.analysis.measure import measure_units
from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.progress import Progress, silent
from fm_keras.pruning.masks.unit_labels import check_analysis
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import class_means


def training_fields(
    model: keras.Model,
    dataset: Dataset,
    analysis: Analysis | None,
    *,
    settings: AnalysisSettings,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Fields of training images: those of an analysis if it has such, else measured again.

    Probes learn from training images alone, so an analysis of test images lends its probes.

    Args:
        model: the one that was analyzed; left as it was.
        dataset: whose training images are measured.
        analysis: of the model, if there is one; else probes are trained.
        settings: how fields are measured where there is no analysis, its split being train.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Raises:
        InvalidInput: the analysis is of another model or of other labels.
    """
    how = {"preprocess": preprocess, "progress": progress}
    if analysis is None:
        return analyze(model, dataset, settings=settings.changed(fields="probe"), **how)
    if analysis.settings.split == "train":
        return analysis
    check_analysis(Dependencies(model), analysis)
    if analysis.label_names != dataset.label_names:
        raise InvalidInput(
            f"The analysis is of labels other than those of {dataset.name}: {', '.join(analysis.label_names)}. Analyze "
            "the model with these images."
        )
    how |= {"layers": [filters.layer for filters in analysis]}
    kind = "network" if analysis.probe is None else "probe"
    settings = analysis.settings.changed(split="train", fields=kind)
    if kind == "network":
        return analyze(model, dataset, settings=settings, **how)
    means = class_means(model, dataset, settings=settings, **how)
    again = [
        replace(filters, class_means=means[filters.layer].reshape(filters.class_means.shape), held=None)
        for filters in analysis
    ]
    measured = tuple(measure_units(filters, settings) for filters in again)
    return replace(analysis, measured=measured, images=len(dataset.train), settings=settings, network=None)
