"""What shall go, from a rule and a target: units, or the connections between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.progress import Progress, silent
from fm_keras.pruning.choosing.fields import training_fields
from fm_keras.pruning.choosing.own_rule import is_own_rule
from fm_keras.pruning.choosing.rules import NamedRule, Rule, describe_rules
from fm_keras.pruning.choosing.selection import plan_pruning
from fm_keras.pruning.choosing.targets import Target
from fm_keras.pruning.masks.afcc import afcc_masks, afcc_threshold, random_afcc_masks
from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.savings import forward_seconds
from fm_keras.pruning.scores.scores_file import is_scores_file
from fm_keras.pruning.surgery.plan import PruningPlan
from fm_keras.settings import AnalysisSettings, PruneSettings
from fm_keras.training import check_fits

TARGETS = ("keep", "macs", "params", "latency")
_SOURCE = "Phys. Rev. E 111, 065307"
_DILUTING = (
    ("afcc", "connections between filters with a label in common", "fields", _SOURCE),
    ("random_afcc", "the same with random labels: a control", "fields", _SOURCE),
)
DILUTING = tuple(name for name, *_ in _DILUTING)
"""rules that cut connections, not units"""


def describe_all_rules() -> pd.DataFrame:
    """`describe_rules`, and in the same columns the rules that cut connections."""
    rules = describe_rules()
    return pd.concat([rules, pd.DataFrame(_DILUTING, columns=rules.columns)], ignore_index=True)


def choose(
    model: keras.Model,
    dataset: Dataset,
    settings: PruneSettings,
    *,
    rule: str | NamedRule | Rule | None = None,
    layers: Iterable[str] | None = None,
    analysis: Analysis | None = None,
    measuring: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> PruningPlan | ConnectionMasks:
    """Choose what goes, without removing anything.

    Args:
        model: classifier; left as it was.
        dataset: training images serve the scores, never test images.
        settings: rule and target.
        rule: instead of the rule of `settings`: a rule of this house itself, or a function of yours.
        layers: paths of the only cuts that may lose units, or layers that may lose connections.
        analysis: of this model, for rules that need fields; measured here if it is missing.  From one of test images
            the probes alone are taken, see `training_fields`.
        measuring: images, batch size and memory limit for the scores.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Units to remove; for the rules `afcc` and `random_afcc` connections to cut.

    Raises:
        InvalidInput: no target or several, one that cannot be met, an unknown rule, images of another shape, another
            number of labels than outputs.
    """
    check_fits(model, dataset, preprocess)
    rule = settings.rule if rule is None else rule
    target = check_target(rule, settings)
    measuring = on_training_images(measuring, settings)
    how = {"preprocess": preprocess, "progress": progress}
    if needed_fields(rule):
        analysis = training_fields(model, dataset, analysis, settings=measuring, **how)
    if target is None:
        return _masks(model, analysis, settings.changed(rule=rule), layers)
    return plan_pruning(
        model,
        dataset,
        rule=rule,
        target=target,
        across=settings.across,
        layers=layers,
        analysis=analysis,
        settings=measuring,
        measure=partial(forward_seconds, split=dataset.train, preprocess=preprocess),
        **how,
    )


def on_training_images(measuring: AnalysisSettings | None, settings: PruneSettings) -> AnalysisSettings:
    """How scores are measured: on training images, with the seed of the pruning."""
    return (measuring or AnalysisSettings()).changed(split="train", seed=settings.seed)


def check_target(rule: str | NamedRule | Rule, settings: PruneSettings) -> Target | None:
    """The one target that was given; None where connections are cut, for which there need be none.

    Raises:
        InvalidInput: an unknown rule, no target, several, or one that is not for the rule.
    """
    needed_fields(rule)
    given = given_targets(settings)
    if isinstance(rule, str) and rule in DILUTING:
        if set(given) - {"dilution"}:
            raise InvalidInput(f"{rule} cuts connections, not units: give dilution or nothing, not {given[0]}.")
        return None
    if "dilution" in given:
        raise InvalidInput(f"dilution is for the rules {' and '.join(DILUTING)}; received rule {rule!r}.")
    return Target.of(**{name: getattr(settings, name) for name in TARGETS})


def given_targets(settings: PruneSettings) -> list[str]:
    """Names of the targets that settings hold."""
    return [name for name in (*TARGETS, "dilution") if getattr(settings, name) is not None]


def needed_fields(rule: str | NamedRule | Rule) -> str | None:
    """What a rule needs from an analysis: fields of any kind, or those of a probe; None if it needs no analysis.

    Raises:
        InvalidInput: an unknown rule.
    """
    if not isinstance(rule, str) or is_scores_file(rule) or is_own_rule(rule):
        return None
    needs = describe_all_rules().set_index("rule")["needs"]
    if rule not in needs:
        raise InvalidInput(
            f"There is no rule {rule!r}. Rules: {', '.join(needs.index)}, a file of scores (.csv), or module:function."
        )
    return needs[rule] if needs[rule] in ("fields", "probe") else None


def _masks(
    model: keras.Model, analysis: Analysis, settings: PruneSettings, layers: Iterable[str] | None
) -> ConnectionMasks:
    share, chosen = settings.dilution, None if layers is None else list(layers)
    how = {"layers": chosen}
    if share is not None:
        how["threshold"] = afcc_threshold(model, analysis, share, layers=chosen)
    if settings.rule == "random_afcc":
        return random_afcc_masks(model, analysis, np.random.default_rng(settings.seed), **how)
    return afcc_masks(model, analysis, **how)
