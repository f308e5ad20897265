"""A plan in a table: what every layer loses, what that saves, and why these units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.ask import as_rule
from fm_keras.pruning.choosing.counts import count_terms, counts_by_call
from fm_keras.pruning.choosing.rules import NamedRule, Rule
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.groups import UnitGroup, unit_groups
from fm_keras.pruning.surgery.plan import PruningPlan


def plan_table(model: keras.Model, plan: PruningPlan, rule: str | Path | Rule | None = None) -> pd.DataFrame:
    """What a plan would do, without doing it.

    Args:
        model: the one that the plan was made for; left as it was.
        plan: from `plan_pruning`, `plan_removal` or `load_plan`.
        rule: what the units were chosen by, to put it into words; None if that is not known.

    Returns:
        One row per cut, and per other layer with multiply-accumulates, in depth order.
        layer: its path.
        units, kept: how many it has, and how many of them stay.
        macs, macs_kept: multiply-accumulates for one image; missing where images have no fixed size.
        why: why these units, or why none: 'lowest Taylor score; 3 cost nothing', 'with conv1', 'chosen by hand: ...'
        where a plan with scores was edited, 'none: ...'.

    Raises:
        InvalidInput: the plan was made for another model, or was changed to what cannot be done.
    """
    plan.check(model)
    found = Dependencies(model)
    plan.check_sizes(found)
    gone = found.gone(plan.removed)
    macs, macs_kept = _macs(found, np.zeros(len(gone), bool)), _macs(found, gone)
    words = _Words(found, unit_groups(model), plan, None if rule is None else as_rule(rule))
    rows = []
    for call in found.graph.calls:
        if call.path in found.cuts or macs.get(call.path):
            tensor = found.cuts[call.path].tensor if call.path in found.cuts else call.outputs[0]
            units = found.flow.carried[tensor].units
            operations = [each.get(call.path, 0) if each else None for each in (macs, macs_kept)]
            rows.append((call.path, len(units), np.sum(~gone[units]), *operations, words.why(call.path, units, gone)))
    table = pd.DataFrame(rows, columns=["layer", "units", "kept", "macs", "macs_kept", "why"])
    return table.astype({"macs": "Int64", "macs_kept": "Int64"})


def _macs(found: Dependencies, gone: np.ndarray) -> dict[str, int]:
    """By path of the call; nothing where images have no fixed size."""
    try:
        return counts_by_call(count_terms(found, "macs"), gone)
    except InvalidInput:
        return {}


class _Words:
    """Says why units go or stay."""

    def __init__(
        self,
        found: Dependencies,
        groups: Sequence[UnitGroup],
        plan: PruningPlan,
        rule: NamedRule | Path | Rule | None,
    ) -> None:
        self._found, self._groups, self._plan, self._rule = found, groups, plan, rule
        self._first: dict[int, str] = {}  # the cut that a bundle meets first
        for path in found.cuts:
            for bundle in found.bundles_at(path).tolist():
                self._first.setdefault(bundle, path)

    def why(self, path: str, units: np.ndarray, gone: np.ndarray) -> str:
        """Why some units that a layer puts out go, or none."""
        bundles = self._found.bundle_of[units]
        if not gone[units].any():
            reasons = [self._found.reasons.get(bundle) for bundle in bundles.tolist()]
            return f"none: {reasons[0]}" if all(reasons) else "none"
        leaders = dict.fromkeys(self._first[bundle] for bundle in bundles[gone[units]].tolist())
        others = ", ".join(leader for leader in leaders if leader != path)
        return "; ".join(filter(None, [self._by_rule(path) if path in leaders else "", others and f"with {others}"]))

    def _by_rule(self, path: str) -> str:
        scores, rule = self._plan.scores.get(path), self._rule
        if scores is not None and not self._are_lowest(path):
            return "chosen by hand: others have lower scores"
        if isinstance(rule, NamedRule):
            worthless = 0 if scores is None or not rule.adds else np.sum(scores[~self._plan.masks[path]] <= 0)
            return f"{rule.lowest}; {worthless} cost nothing" if worthless else rule.lowest
        if scores is None:
            return "as the plan says"
        name = "" if rule is None else f" of {getattr(rule, '__name__', None) or getattr(rule, 'name', '')}"
        return f"first in the order{name}" if np.isinf(scores).any() else f"lowest score{name}"

    def _are_lowest(self, path: str) -> bool:
        """Whether the units that go are those of the lowest scores in each group, as every rule chooses them."""
        scores, stays = self._plan.scores[path], self._plan.masks[path]
        for group in self._groups:
            channels = group.cuts[path][:, 0] if path in group.cuts else np.array([], int)
            kept, gone = (scores[channels[stays[channels] == stay]] for stay in (True, False))
            if gone.size and not (gone.max() < np.inf and gone.max() <= kept.min(initial=np.inf)):
                return False
        return True
