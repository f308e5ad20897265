"""From what a rule says of single units to what it says of those that go together."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.bundles import Bundles


def bundle_scores(bundles: Bundles, scores: pd.Series, *, adds: bool, rule: str) -> np.ndarray:
    """Score of every bundle from those of its units.

    What the network loses adds up: the score is the sum over the cuts where the units begin, `Bundles.sources`, whose
    gates together silence the bundle once.  To first order that is exact for the loss itself, quality and signed
    Taylor; for squares and norms it leaves out how the units go together.  All other scores know no common measure:
    they are taken in shares of their layer's mean, counted from the layer's least where that is negative, and averaged
    over all cuts of the bundle that have a score.  Both *ours*.

    Args:
        bundles: units that may go.
        scores: over (layer, filter), larger being more worth keeping; NaN at all units of a cut: it has none.
        adds: whether scores are what the network loses.
        rule: whose scores they are, for errors.

    Returns:
        (bundles,) float.

    Raises:
        InvalidInput: unknown layers or units, some twice or missing, scores that are no numbers, or bundles without any
            score.
    """
    by_cut = _by_cut(bundles, scores, rule)
    taken = {path: values for path, values in by_cut.items() if not adds or path in bundles.sources}
    total = _sums(bundles, taken if adds else {path: _relative(values) for path, values in taken.items()})
    units = _sums(bundles, {path: np.ones(len(values)) for path, values in taken.items()})
    missing = [path for path in bundles.sources if path not in by_cut] if adds else []
    missing += [bundles.groups[group].name for group in np.unique(bundles.group_of[units == 0])]
    if missing:
        raise InvalidInput(
            f"Rule {rule} gives no score for {', '.join(map(repr, dict.fromkeys(missing)))}. Take another rule, or "
            "name in layers those that may lose units."
        )
    return total if adds else total / units


def bundle_places(bundles: Bundles, order: pd.MultiIndex, *, rule: str) -> np.ndarray:
    """Place of every bundle in an order of removal, by the first of its units that is named.

    Args:
        bundles: units that may go.
        order: (layer, filter) in the order in which they go.
        rule: whose order it is, for errors.

    Returns:
        (bundles,) float: 0 for the first to go, infinite for those that are not named.

    Raises:
        InvalidInput: unknown layers or units.
    """
    places = np.full(len(bundles), np.inf)
    _check_layers(bundles, order, rule)
    for place, (path, unit) in enumerate(order):
        numbers = bundles.at(path)
        _check_units(path, [unit], len(numbers), rule)
        bundle = numbers[int(unit)]
        if bundle >= 0:
            places[bundle] = min(place, places[bundle])
    return places


def spread_over_units(bundles: Bundles, values: np.ndarray) -> dict[str, np.ndarray]:
    """Value of every unit's bundle, by path of the cut; NaN for units that stay whatever they are worth."""
    with_others = np.append(values, np.nan)  # number -1 is the last
    return {path: with_others[bundles.at(path)] for path in bundles.cuts}


def _sums(bundles: Bundles, by_cut: Mapping[str, np.ndarray]) -> np.ndarray:
    """(bundles,) sums over the units of some cuts."""
    total = np.zeros(len(bundles))
    for path, values in by_cut.items():
        numbers = bundles.at(path)
        np.add.at(total, numbers[numbers >= 0], values[numbers >= 0])
    return total


def _by_cut(bundles: Bundles, scores: pd.Series, rule: str) -> Mapping[str, np.ndarray]:
    """(U,) scores of every cut that has some."""
    _check_layers(bundles, scores.index, rule)
    given, scores = scores, pd.to_numeric(scores, errors="coerce")
    if (wrong := scores.isna() & given.notna()).any():
        path, unit = given.index[wrong][0]
        raise InvalidInput(f"Rule {rule} gives {given[wrong].iloc[0]!r} for unit {unit} of {path!r}: give a number.")
    found = {}
    for path, values in scores.groupby(level=0, sort=False):
        units = len(bundles.at(path))
        numbers = values.index.get_level_values(1)
        _check_units(path, numbers, units, rule)
        if not values.isna().all():
            by_unit = pd.Series(values.to_numpy(float), numbers).reindex(range(units))
            if by_unit.isna().any():
                raise InvalidInput(f"Rule {rule} gives no number for unit {by_unit.isna().argmax()} of {path!r}.")
            found[path] = by_unit.to_numpy()
    return found


def _check_layers(bundles: Bundles, index: pd.Index, rule: str) -> None:
    if index.nlevels != 2:
        raise InvalidInput(f"Rule {rule} must give an index of two levels, (layer, filter); received {index.nlevels}.")
    for path in index.unique(level=0):
        if path not in bundles.found.cuts:
            known = ", ".join(bundles.found.cuts)
            raise InvalidInput(f"Rule {rule} speaks of {path!r}, where the model cannot be cut. It can be at: {known}.")
    if index.has_duplicates:
        path, unit = index[index.duplicated()][0]
        raise InvalidInput(f"Rule {rule} speaks twice of unit {unit} of {path!r}.")


def _check_units(path: str, numbers, units: int, rule: str) -> None:
    for unit in numbers:
        if not isinstance(unit, Real):
            raise InvalidInput(
                f"Rule {rule} speaks of unit {unit!r} of {path!r}: units have numbers, 0 to {units - 1}."
            )
        if not 0 <= unit < units or unit != int(unit):
            raise InvalidInput(f"Rule {rule} speaks of unit {unit} of {path!r}, which has units 0 to {units - 1}.")


def _relative(values: np.ndarray) -> np.ndarray:
    """Values of a layer in shares of their mean, from 0; infinite ones stay infinite."""
    values = values - min(0, values.min())
    finite = values[np.isfinite(values)]
    mean = finite.mean() if finite.size else 0
    return values / mean if mean > 0 else values
