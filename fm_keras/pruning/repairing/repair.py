"""Repair of a pruned model without labels or training: refitted kernels, BatchNorm statistics taken again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import keras
import pandas as pd

from fm_keras.data import Split
from fm_keras.models.graph import walk
from fm_keras.progress import Progress, Step, silent
from fm_keras.pruning.repairing.both_models import BothModels
from fm_keras.pruning.repairing.held import HeldModel, held_inputs, images_that_fit
from fm_keras.pruning.repairing.layer_refit import take_statistics, treatments
from fm_keras.pruning.repairing.stretches import find_stretches
from fm_keras.pruning.surgery.copies import copy_model
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

    With `settings.neighbors` above one, that many neighboring layers at a time are then fitted together, from the input
    once more and by gradients, to what the whole model hands on behind them: the units between need not do what they
    did.  See `refit_stretch`.

    Args:
        whole: the model that was pruned; left as it was.
        pruned: what `remove_units` or `apply_plan` made of it; left as it was.
        split: images for it, best those of training; labels are not looked at.
        settings: number of images, positions and neighbors, ridges, memory, seed.
        preprocess: applied to every batch of images.
        progress: told about every layer and stretch.

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
    both, graph = BothModels(whole, pruned, fresh, given, settings), walk(fresh)
    stretches = find_stretches(graph, settings.neighbors)
    total = len(graph.calls) + len(stretches)
    for number, path in enumerate(chain(both.repair_layers(), both.repair_stretches(stretches)), start=1):
        progress(Step("repair", number, total, path))
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
