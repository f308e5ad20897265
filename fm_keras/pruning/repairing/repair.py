"""Repair of a pruned model without labels or training: refitted kernels, BatchNorm statistics taken again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from fm_keras.data import Split
from fm_keras.models.graph import Call, walk
from fm_keras.progress import Progress, Step, silent
from fm_keras.pruning.repairing.held import HeldModel, held_inputs, images_that_fit
from fm_keras.pruning.repairing.layer_refit import linear_layer, refit_layer, take_statistics, treatments
from fm_keras.pruning.surgery.copies import copy_model
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.layer_kinds import unit_axis
from fm_keras.pruning.surgery.surgery import Pruned
from fm_keras.settings import RepairSettings

_MEMORY = RepairSettings().memory


def recalibrate(
    model: keras.Model,
    split: Split,
    *,
    batch_size: int = 250,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> keras.Model:
    """Take BatchNorm statistics again, exactly, layer by layer from the input.

    Args:
        model: Functional or built Sequential; left as it was.
        split: images; labels are not looked at.  Their activations are held: of more than fit in 2 GB a seeded choice
            is taken.
        batch_size: images a step.
        preprocess: applied to every batch of images.
        progress: told about every layer.

    Returns:
        The same model with other moving means and variances: those of these images, in a network that has them already
        in all layers before.  Not compiled.

    Raises:
        CannotCut: the model has no graph of calls, or a layer cannot be copied.

    Source: precise BatchNorm, arXiv:2105.07576, there all layers in one pass.
    """
    fresh = copy_model(model)
    split = images_that_fit(split, [fresh], count=None, memory=_MEMORY, seed=0)
    held = HeldModel(
        fresh, held_inputs(fresh, split, batch_size=batch_size, preprocess=preprocess), batch_size=batch_size
    )
    for number, call in enumerate(held.graph.calls, start=1):
        if isinstance(call.layer, keras.layers.BatchNormalization):
            take_statistics(call.layer, held.given(call))
        held.run(call)
        held.forget(call)
        progress(Step("recalibrate", number, len(held.graph.calls), call.path))
    return fresh


def repair(
    whole: keras.Model,
    pruned: Pruned,
    split: Split,
    *,
    settings: RepairSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> keras.Model:
    """Bring a pruned model near to the whole one again, from images without labels and without training.

    Layer by layer from the input, each kernel and bias (or BatchNorm in its place) is fitted by least squares: from
    what the layer reads in the pruned and so far repaired model to what it put out in the whole one, before its
    activation.  BatchNorm elsewhere takes its statistics again.  Layers that read what they always read stay as they
    are, and so do those that `repair_table` names.

    Args:
        whole: the model that was pruned; left as it was.
        pruned: what `remove_units` or `apply_plan` made of it; left as it was.
        split: images for it, best those of training; labels are not looked at.
        settings: number of images and positions, ridges, memory, seed.
        preprocess: applied to every batch of images.
        progress: told about every layer.

    Returns:
        A new model like the pruned one, not compiled.

    Raises:
        InvalidInput: the whole model is not the one that was pruned.
        CannotCut: a layer cannot be copied.

    Source: refit of the next layer on the pruned one's activations, arXiv:1707.06168; see `fit_kernel`.
    """
    pruned.plan.check(whole)
    settings, fresh = settings or RepairSettings(), copy_model(pruned.model)
    split = images_that_fit(split, [whole, fresh], count=settings.images, memory=settings.memory, seed=settings.seed)
    given = held_inputs(whole, split, batch_size=settings.batch_size, preprocess=preprocess)
    work = _Repair(whole, pruned, fresh, given, settings)
    calls = list(zip(work.before.graph.calls, work.after.graph.calls, strict=True))
    for number, (one, other) in enumerate(calls, start=1):
        work.take(one, other)
        progress(Step("repair", number, len(calls), one.path))
    return fresh


def repair_table(pruned: Pruned) -> pd.DataFrame:
    """What `repair` does to each layer with weights.

    Returns:
        One row per call.
        layer: its path in the pruned model.
        repair: refit; with the kernel (a BatchNorm behind a refit); statistics (of a BatchNorm elsewhere); none.
        why: what keeps a layer from being repaired, else empty.
    """
    rows = [(path, how, why) for path, (how, why) in treatments(walk(pruned.model)).items()]
    return pd.DataFrame(rows, columns=["layer", "repair", "why"])


class _Repair:
    """Runs the whole and the pruned model side by side, and repairs each layer of the latter before it is run."""

    def __init__(
        self,
        whole: keras.Model,
        pruned: Pruned,
        fresh: keras.Model,
        given: Sequence[np.ndarray],
        settings: RepairSettings,
    ) -> None:
        self.settings = settings
        self.before, self.after = (HeldModel(model, given, batch_size=settings.batch_size) for model in (whole, fresh))
        self._how = treatments(self.after.graph)
        self._found = Dependencies(whole)
        self._gone = self._found.gone(pruned.plan.removed)

    def take(self, one: Call, other: Call) -> None:
        """Run a call of the whole model, repair its counterpart, run that."""
        (made, *_) = self.before.run(one)
        how, _ = self._how.get(other.path, ("none", ""))
        if how != "none" and not np.array_equal(self.before.given(one), self.after.given(other)):
            if how == "statistics":
                take_statistics(other.layer, self.after.given(other))
            elif how == "refit":
                refit_layer(self.after, other, self._targets(one, made), self.settings)
        self.after.run(other)
        self.before.forget(one)
        self.after.forget(other)

    def _targets(self, call: Call, made: np.ndarray) -> np.ndarray:
        """What the kept units of a layer put out in the whole model, before the activation."""
        if call.layer.activation is not keras.activations.linear:
            (made,) = self.before.run(call, layer=linear_layer(call))
        passage = self._found.flow.passages.get(call.path)
        if passage is None:
            return made
        return np.compress(~self._gone[passage.makes], made, axis=unit_axis(call.layer, made.ndim))
