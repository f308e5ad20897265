"""How well scores predict what silencing units really costs, one at a time and half a layer at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.data import Dataset, Split, choose_images, hold_out
from fm_keras.filters import bootstrap_rank_correlation, choose_units
from fm_keras.progress import Progress, Step, silent
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.greedy import ROUNDS, images_that_fit
from fm_keras.pruning.choosing.rules import RULES, score_units
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import GatedModel, contributions_without, cut_points, silence_effects

CEILING, GREEDY, LABEL_FREE, WHOLE, RANDOM = "ceiling", "greedy", "greedy, no labels", "whole network", "random"
_HALVES = ["layer", "rule", "accuracy", "cost"]
_RANDOM_CHOICES = 5
_CHOICE_IMAGES = 1000  # for the greedy choice, which takes contributions again and again


@dataclass(frozen=True, eq=False)
class ScoreCheck:
    """What was found by silencing units for real."""

    costs: pd.DataFrame
    """one row per unit: layer, filter, cost (true increase of the loss in nats on the images for the truth),
    cost_elsewhere (the same on the images for the scores), and the value of every score"""
    correlations: pd.DataFrame
    """one row per layer and score: layer, score, spearman, low, high.  The score `ceiling` is the truth itself, taken
    on the images of the scores"""
    halves: pd.DataFrame
    """one row per layer and rule: layer, rule, accuracy, cost with the lower half of the layer silenced"""
    images: int
    """number of images for the scores, and as many others for the truth"""


def check_scores(
    model: keras.Model,
    dataset: Dataset,
    *,
    analysis: Analysis | None = None,
    layers: Iterable[str] | None = None,
    units: int | None = None,
    halves: bool = True,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> ScoreCheck:
    """Silence units for real, and see which scores foretold it.

    Half of the images serve the scores, the other half the truth.  How well the truth on the first half predicts that
    on the second is the ceiling: no score can be expected to do better.

    Args:
        model: classifier with logits, or a softmax of them; left as it was.
        dataset: labeled images.
        analysis: of this model, for the scores that fields make: snr, few_noise, field_norm, and with probe fields
            probe_ablation.  Without it these are left out.  Its fields are those of whatever images it was measured on.
        layers: paths of cuts; all if None.
        units: at most so many units of each layer are silenced one by one, a seeded choice; all if None.
        halves: silence half of each layer at once, too, by every score and by the greedy choice.
        settings: split, number of images of each half, seed, batch size.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Raises:
        InvalidInput: no logits to be found, labels that do not fit, too few images.

    Source: *ours*.
    """
    settings = settings or AnalysisSettings()
    ours, others = _halves_of(dataset, settings)
    names = [cut.layer for cut in cut_points(model, layers=layers)]
    common = {"settings": settings, "preprocess": preprocess}
    scores = _scores(Evidence(model, ours, analysis, layers=names, progress=progress, **common))
    costs, halved = [], []
    for number, layer in enumerate(names, start=1):
        table = scores.loc[layer]
        chosen = _some_units(len(table), units, settings.seed)
        found = table.iloc[chosen].rename_axis("filter").reset_index()
        found.insert(0, "layer", layer)
        found.insert(2, "cost", silence_effects(model, others, layer, chosen, **common)["cost"].to_numpy())
        found.insert(3, "cost_elsewhere", silence_effects(model, ours, layer, chosen, **common)["cost"].to_numpy())
        costs.append(found)
        if halves:
            halved.append(_halve(model, ours, others, layer, table, common))
        progress(Step("silence", number, len(names), layer))
    measured = pd.concat(costs, ignore_index=True)
    silenced = pd.concat(halved, ignore_index=True) if halves else pd.DataFrame(columns=_HALVES)
    return ScoreCheck(measured, _correlations(measured, settings.seed), silenced, len(ours))


def _halves_of(dataset: Dataset, settings: AnalysisSettings) -> tuple[Split, Split]:
    split = getattr(dataset, settings.split)
    both = None if settings.images is None else 2 * settings.images
    return hold_out(
        choose_images(split, both, labels=dataset.labels, seed=settings.seed), share=0.5, seed=settings.seed
    )


def _scores(evidence: Evidence) -> pd.DataFrame:
    """Every score that there is, by (layer, filter)."""
    has_probe = evidence.analysis is not None and evidence.analysis.probe is not None
    missing = {"fields": evidence.analysis is None, "probe": not has_probe}
    names = [rule.name for rule in RULES.values() if rule.foretells and not missing.get(rule.needs)]
    return score_units(evidence, names).dropna(axis=1, how="all")


def _some_units(count: int, most: int | None, seed: int) -> list[int]:
    if most is None or count <= most:
        return list(range(count))
    return sorted(np.random.default_rng(seed).choice(count, most, replace=False).tolist())


def _halve(
    model: keras.Model, ours: Split, others: Split, layer: str, scores: pd.DataFrame, common: dict[str, Any]
) -> pd.DataFrame:
    """Accuracy on other images with the lower half of a layer silenced, by every score and by the greedy choice."""
    count, gated = len(scores) // 2, GatedModel(model, layers=[layer])
    ours = images_that_fit(ours, _CHOICE_IMAGES, units=len(scores), labels=gated.labels, settings=common["settings"])
    without = contributions_without(gated, ours, **common)
    groups = {
        GREEDY: choose_units(without, ours.labels, count, rounds=ROUNDS),
        LABEL_FREE: choose_units(without, None, count, rounds=ROUNDS),
    }
    for name in scores.columns[scores.notna().all()]:
        groups[name] = np.argsort(scores[name].to_numpy(), kind="stable")[:count]
    rng = np.random.default_rng(common["settings"].seed)
    chances = [rng.permutation(len(scores))[:count] for _ in range(_RANDOM_CHOICES)]
    rules = [*groups, *[RANDOM] * len(chances), WHOLE]
    found = silence_effects(model, others, layer, [*groups.values(), *chances, []], **common)
    table = found.assign(rule=rules).groupby("rule", sort=False)[["accuracy", "cost"]].mean().reset_index()
    table.insert(0, "layer", layer)
    return table


def _correlations(costs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rank correlation of every score with the true cost, layer by layer."""
    scores = [name for name in costs.columns[2:] if name != "cost"]
    rows = []
    for layer, table in costs.groupby("layer", sort=False):
        for score in scores:
            if table[score].notna().any():
                values = bootstrap_rank_correlation(table[score].to_numpy(), table["cost"].to_numpy(), seed=seed)
                name = CEILING if score == "cost_elsewhere" else score
                rows.append((layer, name, *values))
    return pd.DataFrame(rows, columns=["layer", "score", "spearman", "low", "high"])
