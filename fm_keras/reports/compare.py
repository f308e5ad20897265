"""Runs, seeds or checkpoints of the same architecture side by side: layer by layer, and filter by filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.errors import InvalidInput
from fm_keras.reports.matching import Match, match_filters

MEASURES = ("accuracy", "snr", "noise", "n_clusters", "cluster_size", "signal", "dead", "quality")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Differences of some networks to the first of them."""

    names: tuple[str, ...]
    """of the networks; the first is what the others are compared with"""
    label_names: tuple[str, ...]
    layers: pd.DataFrame
    """one row per other network and common layer.
    run, layer, units.
    Each of MEASURES that both have, as in `Analysis.layers`; with _first that of the first network, with _change the
    difference to it.
    similarity: mean of the matched filters; similarity_at_random, similarity_by_chance: see `Match`.
    same_clusters: share of matched filters with the same clusters in both.
    labels_gained, labels_lost: labels that a filter has in its clusters here or in the first alone, on average.
    """
    filters: pd.DataFrame
    """one row per other network, common layer and filter of the first.
    run, layer, filter; partner: its match; similarity: cosine of their fields.
    labels, partner_labels: their clusters, as in `measure_filters`; gained, lost: labels (tuple).
    """
    left_out: pd.DataFrame
    """layers without a counterpart: run, layer, why"""


def compare(analyses: Mapping[str, Analysis], *, seed: int = 0) -> Comparison:
    """Compare networks with the first of them: what each layer measures, and which filter does what.

    Layers belong together if they have the same name and as many units; their filters are matched by their fields.

    Args:
        analyses: two or more by name, of the same labels, measured with the same settings; the first is the base.
        seed: of the shuffled labels that say how similar filters are by chance.

    Raises:
        InvalidInput: fewer than two, other labels, fields, thresholds or clusters, or no layer in common.

    Source: ours.
    """
    if len(analyses) < 2:
        raise InvalidInput(
            f"There is nothing to compare {', '.join(analyses) or 'with'} to: give two or more analyses."
        )
    (name, base), *others = analyses.items()
    layers, filters, left_out = [], [], []
    for other_name, other in others:
        _check_comparable(name, base, other_name, other)
        common, alone = _common_layers(name, base, other_name, other)
        rows = _layer_changes(base, other)
        for layer in common:
            match = match_filters(base[layer], other[layer], seed=seed)
            table = _filter_changes(base[layer], other[layer], match)
            units = {"units": len(base[layer])}
            layers.append({"run": other_name, "layer": layer, **units, **rows.loc[layer], **_summary(match, table)})
            filters.append(table.assign(run=other_name, layer=layer))
        left_out += [{"run": other_name, "layer": layer, "why": why} for layer, why in alone.items()]
    return Comparison(
        names=tuple(analyses),
        label_names=base.label_names,
        layers=pd.DataFrame(layers),
        filters=_run_and_layer_first(pd.concat(filters, ignore_index=True)),
        left_out=pd.DataFrame(left_out, columns=["run", "layer", "why"]),
    )


def _check_comparable(name: str, base: Analysis, other_name: str, other: Analysis) -> None:
    if base.label_names != other.label_names:
        odd = sorted(set(base.label_names) ^ set(other.label_names))
        how = f"labels differ, e.g. {odd[0]!r}" if odd else "labels are the same in another order"
        raise InvalidInput(f"{name} and {other_name} cannot be compared: their {how}. Measure both on the same images.")
    for setting in ("threshold", "method"):
        ours, theirs = getattr(base.settings, setting), getattr(other.settings, setting)
        if ours != theirs:
            difference = f"{setting} {ours} and {theirs}"
            raise InvalidInput(f"{name} and {other_name} were measured with {difference}. Measure both with the same.")
    ours, theirs = _kind(base), _kind(other)
    if ours != theirs:
        raise InvalidInput(f"{name} has {ours} fields and {other_name} {theirs} fields. Compare fields of one kind.")


def _kind(analysis: Analysis) -> str:
    return "network" if analysis.settings.fields == "network" else "probe"


def _common_layers(name: str, base: Analysis, other_name: str, other: Analysis) -> tuple[list[str], dict[str, str]]:
    """Layers that both have with as many units, and why each of the others is left out."""
    alone = {filters.layer: f"only in {name}" for filters in base if filters.layer not in other}
    alone |= {filters.layer: f"only in {other_name}" for filters in other if filters.layer not in base}
    for filters in base:
        if filters.layer in other and len(filters) != len(other[filters.layer]):
            alone[filters.layer] = f"{len(filters)} units in {name}, {len(other[filters.layer])} in {other_name}"
    common = [filters.layer for filters in base if filters.layer not in alone]
    if not common:
        layer, why = next(iter(alone.items()))
        raise InvalidInput(f"{name} and {other_name} have no layer of as many units in common: {layer} is {why}.")
    return common, alone


def _layer_changes(base: Analysis, other: Analysis) -> pd.DataFrame:
    """Measures of the other's layers, those of the base, and their differences; one row per layer of the other."""
    before, after = base.layers().set_index("layer"), other.layers().set_index("layer")
    changes = {}
    for measure in MEASURES:
        if measure in before and measure in after:
            first, here = before[measure].reindex(after.index), after[measure]
            changes |= {measure: here, f"{measure}_first": first, f"{measure}_change": _difference(first, here)}
    return pd.DataFrame(changes)


def _difference(before: pd.Series, after: pd.Series) -> pd.Series:
    """After minus before: 0 where both are infinite, or neither is there."""
    same = (before == after) | (before.isna() & after.isna())
    return (after.where(~same, 0) - before.where(~same, 0)).astype(float)


def _filter_changes(base: LayerFilters, other: LayerFilters, match: Match) -> pd.DataFrame:
    """One row per filter of the base: its match, and what their clusters have and lack."""
    mine, theirs = base.table["labels"], other.table["labels"].iloc[match.partner].reset_index(drop=True)
    held, found = base.cluster_of >= 0, other.cluster_of[match.partner] >= 0
    return pd.DataFrame(
        {
            "filter": np.arange(len(base)),
            "partner": match.partner,
            "similarity": match.similarity,
            "labels": mine,
            "partner_labels": theirs,
            "gained": _label_tuples(found & ~held),
            "lost": _label_tuples(held & ~found),
        }
    )


def _label_tuples(chosen: np.ndarray) -> pd.Series:
    return pd.Series([tuple(np.flatnonzero(row).tolist()) for row in chosen], dtype=object)


def _summary(match: Match, table: pd.DataFrame) -> dict[str, float]:
    return {
        "similarity": float(match.similarity.mean()),
        "similarity_at_random": match.at_random,
        "similarity_by_chance": match.by_chance,
        "same_clusters": float((table["labels"] == table["partner_labels"]).mean()),
        "labels_gained": float(table["gained"].map(len).mean()),
        "labels_lost": float(table["lost"].map(len).mean()),
    }


def _run_and_layer_first(table: pd.DataFrame) -> pd.DataFrame:
    rest = [column for column in table if column not in ("run", "layer")]
    return table[["run", "layer", *rest]]
