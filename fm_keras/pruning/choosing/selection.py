"""Which units shall go: a rule says what they are worth, a target how much stays, and both make a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import keras

from fm_keras.analysis import Analysis
from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.progress import Progress, silent
from fm_keras.pruning.choosing.ask import as_rule, ask_rule
from fm_keras.pruning.choosing.bundle_scores import spread_over_units
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.contest import contest
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.rules import NamedRule, Rule
from fm_keras.pruning.choosing.shares import same_share
from fm_keras.pruning.choosing.targets import Target
from fm_keras.pruning.surgery.plan import PruningPlan, plan_removal
from fm_keras.pruning.surgery.surgery import remove_units
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import network_images

Across = Literal["layer", "network"]
Measure = Callable[[Sequence[keras.Model]], Sequence[float]]


def plan_pruning(
    model: keras.Model,
    dataset: Dataset | None = None,
    *,
    rule: str | Path | Rule = "taylor_squared",
    target: Target,
    across: Across = "layer",
    analysis: Analysis | None = None,
    layers: Iterable[str] | None = None,
    measure: Measure | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> PruningPlan:
    """Choose the units that shall go, without removing any.

    Args:
        model: Functional or built Sequential; left as it was.
        dataset: its training images are looked at, never its test images; not needed for rules that look at none.
        rule: name of a rule, see `describe_rules`; a function of yours, see `Rule`; a file of scores, see
            `load_scores`.
        target: how much stays.
        across: layer: every group of units that go together keeps the same share, see `same_share`; network: units of
            all groups compete, see `contest`.
        analysis: of this model, for rules that look at fields: those of whatever images it was measured on.
        layers: paths of the only cuts that may lose units; all if None.
        measure: from models to the seconds of each, for a latency target: the whole model and a smaller one, which are
            best run in turn, so that what else the machine does strikes both.
        settings: number of training images, equally many of every label; seed, batch size, memory limit.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        The plan, with what every unit was chosen by: the score of all that go together, see `bundle_scores`; for
        greedy rules and orders the place in the order of removal, infinite for what stays.

    Raises:
        InvalidInput: an unknown rule or layer, a rule that needs what is not given, scores that miss units, a target
            that cannot be met.
        CannotCut: no layer of the model can be cut.
    """
    if across not in get_args(Across):
        raise InvalidInput(f"across is {across!r}; it must be {' or '.join(get_args(Across))}.")
    if target.kind == "latency" and measure is None:
        raise InvalidInput("A latency is measured: give measure=, a function from models to the seconds of each.")
    known_rule = as_rule(rule)
    if isinstance(known_rule, NamedRule):
        known_rule.check(dataset, analysis)
    bundles = Bundles(model, layers=layers)
    settings = (settings or AnalysisSettings()).changed(split="train")
    split = None if dataset is None else network_images(dataset, settings)
    evidence = Evidence(model, split, analysis, settings=settings, preprocess=preprocess, progress=progress)
    ratio = _time_ratio(model, measure)
    if across == "layer":
        # What is kept is known before any image is looked at: a target that cannot be met is refused at once.
        quotas = bundles.sizes - same_share(bundles, target, ratio)
        chooser = ask_rule(known_rule, bundles, evidence, dataset)
        order = chooser.order(quotas, int(quotas.sum()))
    else:
        chooser = ask_rule(known_rule, bundles, evidence, dataset)
        order = contest(bundles, target, chooser, ratio)
    scores = spread_over_units(bundles, chooser.values(order))
    return plan_removal(model, bundles.units(order), scores=scores)


def _time_ratio(model: keras.Model, measure: Measure | None) -> Callable[[dict[str, list[int]]], float]:
    """From units that go to the share of the time that stays."""

    def ratio(removed: dict[str, list[int]]) -> float:
        whole, smaller = measure([model, remove_units(model, removed).model])
        return smaller / whole

    return ratio
