"""All rules at many shares: what is left after the cut, after repair and after fine-tuning."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import keras
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.data import Dataset
from fm_keras.errors import FmKerasError
from fm_keras.progress import Progress, silent
from fm_keras.pruning.accuracy import check_one_output
from fm_keras.pruning.choosing.choice import TARGETS, choose, needed_fields, on_training_images
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.fields import training_fields
from fm_keras.pruning.choosing.own_rule import rule_name
from fm_keras.pruning.choosing.rules import RULES, NamedRule, Rule, score_units
from fm_keras.pruning.steps import CUT, REPAIRED, TUNED, WHOLE, Steps
from fm_keras.pruning.surgery.surgery import apply_plan
from fm_keras.settings import AnalysisSettings, PruneSettings, TrainSettings
from fm_keras.slicing import network_images
from fm_keras.training import check_fits

KEEPS = (0.9, 0.75, 0.6, 0.5, 0.4, 0.25)
COLUMNS = ["rule", "keep", "macs", "params", WHOLE, CUT, REPAIRED, TUNED, "seconds", "error"]


def sweep_rules(
    model: keras.Model,
    dataset: Dataset,
    rules: Sequence[str | Rule],
    *,
    keeps: Sequence[float] = KEEPS,
    layers: Sequence[str] | None = None,
    done: Collection[tuple[str, float]] = (),
    analysis: Analysis | None = None,
    settings: PruneSettings | None = None,
    measuring: AnalysisSettings | None = None,
    train: TrainSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> Iterator[dict[str, Any]]:
    """Prune a network by every rule to every share of its units, and measure each step.

    Args:
        model: classifier; left as it was.
        dataset: as `fm_keras.prune` takes it.
        rules: names of rules, files of scores, functions of yours (their names stand in the rows).
        keeps: shares of the units that stay.
        layers: paths of the only cuts that may lose units.
        done: (rule, keep) that are known already and left out.
        analysis: of this model, for rules that need fields; measured here if it is missing, see `training_fields`.
        settings: repair, epochs, across, seed; its rule and targets do not count.
        measuring: images, batch size and memory limit for the scores.
        train: how to fine-tune.
        preprocess: applied to every batch of images.
        progress: told when a row is finished, and about the steps in between.

    Yields:
        Rows as they are finished: rule, keep, macs and params (shares that stay), accuracy on test images whole, cut,
        repaired and fine-tuned (those that were asked for), seconds, error (empty, or why there is no result).

    Raises:
        InvalidInput: a model of several outputs, images of another shape, another number of labels than outputs.
    """
    check_one_output(model)
    check_fits(model, dataset, preprocess)
    settings = settings or PruneSettings()
    measuring = on_training_images(measuring, settings)
    common = {"preprocess": preprocess, "progress": progress}
    if any(needed_fields(rule) for rule in rules if rule in RULES):
        analysis = training_fields(model, dataset, analysis, settings=measuring, **common)
    images = network_images(dataset, measuring)
    remembered = _Remembered(Evidence(model, images, analysis, settings=measuring, **common))
    how = {"analysis": analysis, "measuring": measuring, "layers": layers, **common}
    whole = Steps(dataset, settings, train, **common).note(WHOLE, model)
    for rule, keep in product(rules, keeps):
        name = rule if isinstance(rule, str) else rule_name(rule)
        if (name, keep) not in done:
            asked = settings.changed(**{**dict.fromkeys((*TARGETS, "dilution")), "rule": name, "keep": keep})
            steps, began = Steps(dataset, asked, train, **common), time.monotonic()
            found = _found(model, rule, steps, remembered, how)
            found |= {"rule": name, "keep": keep, WHOLE: whole, "seconds": time.monotonic() - began}
            yield {name: found.get(name, "" if name == "error" else math.nan) for name in COLUMNS}


class _Remembered:
    """Rules of this house, each asked once: what units are worth does not depend on how many stay."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.scores: dict[str, pd.Series] = {}

    def rule(self, name: str | Rule) -> str | NamedRule | Rule:
        """The rule with its scores; as it is if it scores no units by themselves, or is no rule of this house."""
        if name not in RULES or RULES[name].score is None:
            return name
        if name not in self.scores:
            self.scores[name] = score_units(self.evidence, [name])[name]
        return replace(RULES[name], score=lambda _: self.scores[name])


def _found(
    model: keras.Model, rule: str | Rule, steps: Steps, remembered: _Remembered, how: dict[str, Any]
) -> dict[str, Any]:
    """What is left after every step; or why there is nothing."""
    try:
        plan = choose(model, steps.dataset, steps.settings, rule=remembered.rule(rule), **how)
        pruned = apply_plan(model, plan)
        steps.take(model, pruned)
    except FmKerasError as error:
        return {"error": str(error)}
    total = pruned.effect.sum(numeric_only=True)
    shares = {name: total[f"{name}_kept"] / total[name] for name in ("macs", "params")}
    return {**shares, **steps.table().set_index("step")["accuracy"]}
