"""Units of all groups compete for what stays."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.choosers import Chooser
from fm_keras.pruning.choosing.counts import BundleCounts
from fm_keras.pruning.choosing.shares import LEVELS, cannot_be_met, within
from fm_keras.pruning.choosing.targets import Target

LEAST_SHARE = 1 / 4
"""share of every group of units that stays, whatever its units are worth"""
_ROUNDING = 1e-6  # what is a whole number but for the last digits of a float


def contest(
    bundles: Bundles, target: Target, chooser: Chooser, ratio: Callable[[dict[str, list[int]]], float]
) -> np.ndarray:
    """Bundles of all groups that go, in the order of removal.

    Rules that say what the network loses without a unit let units compete by that for the multiply-accumulates that it
    saves, or for the parameters with a target of these; all other rules, and all with `keep`, by what units are worth
    alone.  A quarter of every group stays, rounded up: scores of single units do not see a bottleneck coming.  On
    VGG-16 (width 16, CIFAR-10, Taylor squared, macs=0.635 from the third layer on, BatchNorm statistics taken again,
    one seed) 0.57 was left where one unit had to stay, 0.63 with an eighth, 0.70 with a quarter, 0.72 with half; and
    0.73 with the same share of every layer, which keeps twice the parameters.

    Args:
        bundles: units that may go.
        target: how much stays of all of them together.
        chooser: which go.
        ratio: for a latency, from units that go, by path of the cut, to the share of the time that stays.

    Raises:
        InvalidInput: a target that cannot be met.
    """
    quotas = bundles.sizes - np.ceil(LEAST_SHARE * bundles.sizes).astype(int)
    if target.kind == "keep":
        return _until(bundles, target, chooser, quotas, len(bundles), int(quotas.sum()))
    counts = BundleCounts(bundles, "params" if target.kind == "params" else "macs")
    whole = counts.total()
    possible = whole - counts.total(bundles.first_of_each(bundles.sizes - quotas))
    if target.kind != "latency":
        return _until(bundles, target, chooser, quotas, whole, possible, counts)
    order = chooser.order(quotas, math.floor(possible), counts)
    ends = np.linspace(len(order), 0, LEVELS + 1).astype(int)
    level = within(target, lambda level: ratio(bundles.units(order[: ends[level]])), len(ends))
    return order[: ends[level]]


def _until(
    bundles: Bundles,
    target: Target,
    chooser: Chooser,
    quotas: np.ndarray,
    whole: float,
    possible: float,
    counts: BundleCounts | None = None,
) -> np.ndarray:
    budget = whole - math.floor(target.share * whole + _ROUNDING)
    if budget > possible:
        raise cannot_be_met(target, 1 - possible / whole)
    return chooser.order(quotas, budget, counts)
