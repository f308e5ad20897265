"""A rule made for the refit: what the next layers miss after they have been refitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from scipy.special import softmax

from fm_keras.data import Split, choose_images
from fm_keras.models.graph import Call
from fm_keras.progress import Progress, Step, silent
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.repairing.elimination import LinearReader, eliminate
from fm_keras.pruning.repairing.held import HeldModel, held_inputs, images_that_fit
from fm_keras.pruning.repairing.patches import Inputs, Patches, multiplies_patches
from fm_keras.pruning.scores.field_scores import score_series
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import GatedModel, stream_contributions

_RIDGE = 1e-3
_IMAGES_FOR_COSTS = 1000
_PLACES = 50_000
_TINY = 1e-12
_LOGITS = ""


def reconstruction(
    model: keras.Model,
    split: Split,
    *,
    layers: Iterable[str] | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> pd.Series:
    """What each unit costs when its turn to go has come and the layers that read it are refitted without it.

    In every group of units, the one goes first whose absence the next kernels, refitted by least squares to the others
    that are left, feel least; then again.  An error of an output is weighed by what it costs: the expected divergence
    of the predicted labels when the output's unit is silenced, for each part of its variance.  No labels are needed.

    Args:
        model: classifier with logits, or a softmax of them; left as it was.
        split: images; labels are not looked at.
        layers: paths of the only cuts that may lose units; all if None.
        settings: batch size, memory limit, seed, outputs of each image beyond 16 labels.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Series over (layer, filter) of cuts that can lose units, about nats, adding up over units that go together;
        infinite for units that must stay, NaN where no kernel that could be refitted reads them.

    Raises:
        InvalidInput: no logits to be found, or no unit that can go.
        CannotCut: no layer of the model can be cut.

    Source: *ours*, after optimal brain surgeon and arXiv:1707.06168.
    """
    settings = settings or AnalysisSettings()
    bundles = Bundles(model, layers=layers)
    costs = _error_costs(model, split, settings, {"preprocess": preprocess, "progress": progress})
    split = images_that_fit(split, [model], count=None, memory=settings.memory_limit, seed=settings.seed)
    given = held_inputs(model, split, batch_size=settings.batch_size, preprocess=preprocess)
    held, measured = HeldModel(model, given, batch_size=settings.batch_size), []
    for number, call in enumerate(held.graph.calls, start=1):
        measured += _read(held, call, bundles, costs, settings.seed)
        held.run(call)
        held.forget(call)
        progress(Step("reconstruct", number, len(held.graph.calls), call.path))
    return _scores(bundles, measured)


@dataclass(frozen=True, eq=False)
class _Measured:
    """One kernel that reads units, or one group of a grouped convolution."""

    covariance: np.ndarray
    """(F, F)"""
    kernel: np.ndarray
    """(F, O) weighed"""
    reads: np.ndarray
    """(F,) number of the bundle of each input, -1 for those that stay"""


def _read(held: HeldModel, call: Call, bundles: Bundles, costs: dict[str, np.ndarray], seed: int) -> list[_Measured]:
    """What a call reads of units that may go, if its kernel can be refitted."""
    passage = bundles.found.flow.passages.get(call.path)
    if passage is None or passage.reads is None or not multiplies_patches(call.layer):
        return []
    numbers = bundles.number_of[passage.reads]
    if (numbers < 0).all():
        return []
    groups, kernel = getattr(call.layer, "groups", 1), ops.convert_to_numpy(call.layer.kernel).astype(float)
    units = kernel.shape[-1]
    weights = costs.get(call.path, costs[_LOGITS] if len(costs[_LOGITS]) == units else np.ones(units))
    patches, found = Patches(call, held.given(call)), []
    parts = zip(*(np.split(each, groups, axis=-1) for each in (kernel.reshape(-1, units), weights, numbers)))
    for number, (part, weight, reads) in enumerate(parts):
        inputs = Inputs(patches, places=_PLACES, group=(number, groups), bias=True, seed=seed)
        covariance = _covariance(inputs.products(np.arange(len(patches.given))))
        variance = np.einsum("fo,fg,go->o", part, covariance, part, optimize=True)
        scaled = part * np.sqrt(weight / np.maximum(variance, _TINY))
        found.append(_Measured(covariance, scaled, np.tile(reads, len(part) // len(reads))))
    return found


def _covariance(products: np.ndarray) -> np.ndarray:
    """Of the inputs, a little larger than it is, from sums of products whose last row and column are of ones."""
    count = products[-1, -1]
    mean = products[-1, :-1] / count
    found = products[:-1, :-1] / count - np.outer(mean, mean)
    return found + max(_RIDGE * np.diag(found).mean(), _TINY) * np.eye(len(found))


def _error_costs(
    model: keras.Model, split: Split, settings: AnalysisSettings, how: dict[str, Any]
) -> dict[str, np.ndarray]:
    """By cut, (U,) divergence that silencing each unit is expected to cause, to second order; for the logits likewise.

    With c[k] the contribution of a unit to logit k and p the softmax of the logits, it is half the variance of c over
    labels drawn by p.
    """
    gated = GatedModel(model, outputs=settings.outputs)
    some = choose_images(split, max(_IMAGES_FOR_COSTS, gated.labels), labels=gated.labels, seed=settings.seed)
    sums, logits = {cut.layer: np.zeros(cut.units) for cut in gated.cuts}, np.zeros(gated.labels)
    for _, found in stream_contributions(gated, some, settings=settings, **how):
        shares = softmax(found.logits, axis=1)
        logits += (shares * (1 - shares)).sum(axis=0)
        shares = np.take_along_axis(shares, found.outputs, axis=1)
        for layer, values in found.units.items():
            mean = np.einsum("num,nm->nu", values, shares)
            sums[layer] += (np.einsum("num,nm->nu", np.square(values), shares) - np.square(mean)).sum(axis=0)
    return {layer: total / (2 * len(some)) for layer, total in {**sums, _LOGITS: logits}.items()}


def _scores(bundles: Bundles, measured: Sequence[_Measured]) -> pd.Series:
    """Of all units of cuts that may lose some; over the cuts where a bundle begins they add up to what it costs."""
    costs, first = np.full(len(bundles) + 1, np.inf), 0  # number -1 is the last
    for size in bundles.sizes:
        own = np.arange(first, first + size)
        readers = [
            LinearReader(each.covariance, each.kernel, _features(each, own))
            for each in measured
            if np.isin(own, each.reads).any()
        ]
        costs[own] = eliminate(readers, size) if readers else np.nan
        first += size
    numbers = np.concatenate([bundles.at(path) for path in bundles.sources])
    costs[:-1] /= np.bincount(numbers[numbers >= 0], minlength=len(bundles))
    return score_series("reconstruction", {path: costs[bundles.at(path)] for path in bundles.cuts})


def _features(measured: _Measured, own: np.ndarray) -> np.ndarray:
    """(bundles, f) inputs of each bundle of a group."""
    return np.stack([np.flatnonzero(measured.reads == bundle) for bundle in own])
