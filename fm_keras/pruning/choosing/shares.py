"""How many units every group keeps, when all keep the same share."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.counts import BundleCounts
from fm_keras.pruning.choosing.targets import Target

LEVELS = 32
"""shares that are tried where each has to be measured"""
_ROUNDING = 1e-9  # a half that is a little less as a float is a half


def same_share(bundles: Bundles, target: Target, ratio: Callable[[dict[str, list[int]]], float]) -> np.ndarray:
    """Units that groups keep when all keep the same share.

    Args:
        bundles: units that may go.
        target: keep: the share itself.  macs, params: the largest share that fits; then groups are given one unit more
            in depth order where it still fits, but none beyond the next larger share.  latency: the largest of 32
            shares that fits.
        ratio: for a latency, from units that go, by path of the cut, to the share of the time that stays; taken to be
            the larger the more is kept.

    Returns:
        (groups,) int, at least one of each.

    Raises:
        InvalidInput: even with one unit left of every group too much stays.
    """
    if target.kind == "keep":
        return kept_units(bundles.sizes, target.share)
    if target.kind == "latency":
        levels = [kept_units(bundles.sizes, level / LEVELS) for level in range(LEVELS)]
        fits = _largest_that_fits(levels, lambda kept: ratio(bundles.units(bundles.first_of_each(kept))), target)
        return levels[fits]
    return _by_count(bundles, target, BundleCounts(bundles, target.kind))


def kept_units(sizes: np.ndarray, share: float) -> np.ndarray:
    """Units that groups keep at a share: the nearest whole number, halves rounded up, and at least one."""
    return np.maximum(1, np.floor(share * sizes + 0.5 + _ROUNDING).astype(int))


def within(target: Target, share_of: Callable[[int], float], count: int) -> int:
    """Largest of the numbers 0 to count - 1 whose share is within a target, the share growing with the number.

    Raises:
        InvalidInput: the share of 0 is not.
    """
    number = bisect_left(range(count), True, key=lambda each: share_of(each) > target.share) - 1
    if number < 0:
        raise cannot_be_met(target, share_of(0))
    return number


def cannot_be_met(target: Target, least: float) -> InvalidInput:
    """The error for a target below what is left when all has gone that may."""
    return InvalidInput(
        f"Target {target} cannot be met: without all units that may go {least:.3g} stays. Let more stay, or let more "
        "layers lose units."
    )


def _by_count(bundles: Bundles, target: Target, counts: BundleCounts) -> np.ndarray:
    whole = counts.total()

    def share_of(kept: np.ndarray) -> float:
        return counts.total(bundles.first_of_each(kept)) / whole

    # The number that is kept changes where share * size is a whole number and a half.
    shares = np.unique(np.concatenate([[0, 1], *[(np.arange(size) + 0.5) / size for size in bundles.sizes]]))
    levels = [kept_units(bundles.sizes, share) for share in shares]
    number = _largest_that_fits(levels, share_of, target)
    kept = levels[number]
    for group in np.flatnonzero(levels[number + 1] > kept):
        kept[group] += 1
        if share_of(kept) > target.share:
            kept[group] -= 1
    return kept


def _largest_that_fits(levels: Sequence[np.ndarray], share_of: Callable, target: Target) -> int:
    return within(target, lambda number: share_of(levels[number]), len(levels))
