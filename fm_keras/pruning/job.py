"""prune: choose units, cut them out, repair, fine-tune, and say after each step what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from fm_keras.analysis import Analysis
from fm_keras.data import Dataset, as_dataset
from fm_keras.errors import InvalidInput
from fm_keras.progress import Progress, silent
from fm_keras.pruning.accuracy import check_one_output
from fm_keras.pruning.choosing.choice import check_target, choose, given_targets
from fm_keras.pruning.choosing.rules import Rule
from fm_keras.pruning.dilution import dilute
from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.outcome import Pruning
from fm_keras.pruning.savings import measure_savings
from fm_keras.pruning.steps import WHOLE, Steps
from fm_keras.pruning.surgery.plan import PruningPlan
from fm_keras.pruning.surgery.surgery import apply_plan
from fm_keras.settings import AnalysisSettings, PruneSettings, TrainSettings
from fm_keras.training import check_fits


def prune(
    model: keras.Model,
    dataset: Dataset | tuple[Any, np.ndarray],
    *,
    rule: str | Rule | None = None,
    keep: float | None = None,
    macs: float | None = None,
    params: float | None = None,
    latency: float | None = None,
    dilution: float | None = None,
    across: Literal["layer", "network"] | None = None,
    layers: Iterable[str] | None = None,
    plan: PruningPlan | ConnectionMasks | None = None,
    repair: Literal["refit", "together", "recalibrate", "none"] | None = None,
    epochs: int | None = None,
    analysis: Analysis | None = None,
    settings: PruneSettings | None = None,
    measuring: AnalysisSettings | None = None,
    train: TrainSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    checkpoints: str | Path | None = None,
    progress: Progress = silent,
) -> Pruning:
    """Make a network smaller: plan, cut, repair, fine-tune.

    What shall stay is said by one of `keep`, `macs`, `params` and `latency`, as a share of the whole network.  The
    rules `afcc` and `random_afcc` cut connections instead, hold them at zero while the network is fine-tuned, and then
    remove the units that nothing reads any more.

    Args:
        model: classifier, Functional or built Sequential; left as it was.
        dataset: a `Dataset`, or arrays (x, y) of which a seeded fifth is held out.  Training images serve the choice,
            the repair and the fine-tuning, test images the accuracy alone.
        rule: name of a rule (`describe_all_rules`), a function of yours, or the path of a file of scores.
        keep: share of the units.
        macs: share of the multiply-accumulates.
        params: share of the parameters.
        latency: share of the time for one image, measured here.
        dilution: with afcc and random_afcc: share of the connections to cut; as the clusters say if None.
        across: layer: the same share of every layer; network: units of all layers compete.
        layers: paths of the only cuts that may lose units.
        plan: what shall stay, instead of a rule and a target: from `plan_pruning`, `load_plan`, `afcc_masks`, ...
        repair: refit, together, recalibrate or none; needs no labels.
        epochs: of fine-tuning; may be 0.
        analysis: of this model, for rules that need fields; measured here if it is missing.  From one of test images
            the probes alone are taken, which learned from training images.
        settings: all of the above that is not given, and learning rate, seed, images for the repair.
        measuring: images, batch size and memory limit for the scores of a rule.
        train: how the network was trained; fine-tuning does it likewise but for epochs, learning rate, schedule and
            seed, which are those of `settings`.  If None, without flips and shifts of images.
        preprocess: applied to every batch of images.  For the fine-tuning all images are held preprocessed.
        checkpoints: folder for the state of the fine-tuning after every epoch.  The same call with the same seed takes
            the steps before it again, and goes on from there.
        progress: told about every step.

    Returns:
        The pruned model, the plan, accuracy after every step, and what was saved.

    Raises:
        InvalidInput: a model of several outputs, no target or several, one that cannot be met, an unknown rule, a plan
            made for another model, images of another shape, another number of labels than outputs.
        CannotCut: no layer of the model can be cut.

    Source: see `describe_all_rules`; AFCC, Phys. Rev. E 111, 065307 (2025).
    """
    given = {
        "rule": rule if isinstance(rule, str) else None,
        "keep": keep,
        "macs": macs,
        "params": params,
        "latency": latency,
        "dilution": dilution,
        "across": across,
        "repair": repair,
        "epochs": epochs,
    }
    settings = (settings or PruneSettings()).changed(**{name: each for name, each in given.items() if each is not None})
    dataset = dataset if isinstance(dataset, Dataset) else as_dataset(*dataset)
    check_one_output(model)
    check_fits(model, dataset, preprocess)
    if plan is None:
        check_target(rule or settings.rule, settings)
    else:
        choices = {"rule": rule, "across": across, "layers": layers}
        found = [*(name for name, value in choices.items() if value is not None), *given_targets(settings)]
        if found:
            raise InvalidInput(f"A plan says itself what stays: leave out {' and '.join(found)}.")
    steps = Steps(dataset, settings, train, preprocess, progress, checkpoints)
    steps.note(WHOLE, model)
    if plan is None:
        how = {"layers": layers, "analysis": analysis, "measuring": measuring}
        plan = choose(model, dataset, settings, rule=rule, preprocess=preprocess, progress=progress, **how)
    return dilute(model, plan, steps) if isinstance(plan, ConnectionMasks) else _remove(model, plan, steps)


def _remove(model: keras.Model, plan: PruningPlan, steps: Steps) -> Pruning:
    """Cut units out, repair what is left, fine-tune it."""
    pruned = apply_plan(model, plan)
    smaller = steps.take(model, pruned)
    savings = measure_savings(model, smaller, steps.dataset.test, preprocess=steps.preprocess)
    return Pruning(smaller, pruned.plan, steps.table(), pruned.effect, savings)
