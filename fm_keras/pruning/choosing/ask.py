"""A rule of any kind becomes a way to choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.bundle_scores import bundle_places, bundle_scores
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.choosers import ByWorth, Chooser, Greedily
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.own_rule import is_own_rule, load_rule, rule_name
from fm_keras.pruning.choosing.rules import RULES, NamedRule, Rule, find_rule, score_units
from fm_keras.pruning.scores.scores_file import is_scores_file, load_scores


def as_rule(rule: str | Path | Rule) -> NamedRule | Path | Rule:
    """A rule of this house for its name, a path for a file of scores, a function as it is or for module:function.

    Raises:
        InvalidInput: a name that is none of these.
    """
    if not isinstance(rule, str):
        return rule
    if is_own_rule(rule):
        return load_rule(rule)
    return Path(rule) if rule not in RULES and is_scores_file(rule) else find_rule(rule)


def ask_rule(rule: NamedRule | Path | Rule, bundles: Bundles, evidence: Evidence, dataset: Dataset | None) -> Chooser:
    """Ask a rule what units are worth.

    Args:
        rule: what `as_rule` gives.
        bundles: units that may go.
        evidence: what the rules of this house look at.
        dataset: what a user's function is given.

    Raises:
        InvalidInput: the rule needs what is not there, or gives no number for some units.
    """
    if isinstance(rule, NamedRule):
        return _of_this_house(rule, bundles, evidence)
    if isinstance(rule, Path):
        return ByWorth(bundles, bundle_scores(bundles, load_scores(rule), adds=True, rule=rule.name), "loss", rule.name)
    name = rule_name(rule)
    found = rule(evidence.model, evidence.analysis, dataset)
    if isinstance(found, pd.MultiIndex):
        return ByWorth(bundles, bundle_places(bundles, found, rule=name), "place", name)
    if isinstance(found, pd.Series):
        return ByWorth(bundles, bundle_scores(bundles, found, adds=True, rule=name), "loss", name)
    raise InvalidInput(
        f"Rule {name} gave {type(found).__name__}; it must give a Series over (layer, filter), or a MultiIndex of "
        "(layer, filter) in the order in which units go."
    )


def _of_this_house(rule: NamedRule, bundles: Bundles, evidence: Evidence) -> Chooser:
    if rule.score is None:
        return Greedily(bundles, evidence, labeled=rule.needs == "labels")
    scores = score_units(replace(evidence, layers=bundles.cuts), [rule.name])[rule.name]
    worth = bundle_scores(bundles, scores, adds=rule.adds, rule=rule.name)
    return ByWorth(bundles, worth, "loss" if rule.adds else "share", rule.name)
