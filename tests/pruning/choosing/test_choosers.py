"""The next to go is worth least for what it saves at that time."""

import numpy as np
import pytest

from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.choosers import ByWorth
from fm_keras.pruning.choosing.counts import BundleCounts


@pytest.fixture
def bundles(connected):
    return Bundles(connected)


def literal_order(bundles, worth, quotas, budget, counts):
    """Word for word, with what is saved as a difference of two counts."""
    order = []
    while counts.total() - counts.total(order) < budget:
        keys = {}
        for bundle in range(len(bundles)):
            group = bundles.group_of[bundle]
            if bundle not in order and np.sum(bundles.group_of[order] == group) < quotas[group]:
                saved = counts.total(order) - counts.total([*order, bundle])
                keys[bundle] = worth[bundle] / saved if worth[bundle] > 0 else worth[bundle]
        order.append(min(keys, key=keys.get))
    return order


@pytest.mark.parametrize("measure", ["macs", "params"])
@pytest.mark.parametrize("least", [0, -0.2])
def test_losses_are_divided_by_what_is_saved_at_that_time(bundles, rng, measure, least):
    worth, counts, quotas = rng.uniform(least, 1, len(bundles)), BundleCounts(bundles, measure), bundles.sizes - 1
    budget = 0.5 * counts.total()
    expected = literal_order(bundles, worth, quotas, budget, counts)

    order = ByWorth(bundles, worth, "loss", "mine").order(quotas, budget, counts)

    assert order.tolist() == expected
    assert (np.bincount(bundles.group_of[order], minlength=len(quotas)) <= quotas).all()


@pytest.mark.parametrize("meaning", ["share", "place"])
def test_shares_and_places_are_taken_as_they_are(bundles, rng, meaning):
    worth, counts = rng.random(len(bundles)), BundleCounts(bundles, "macs")
    order = ByWorth(bundles, worth, meaning, "mine").order(bundles.sizes, 0.5 * counts.total(), counts)
    assert order.tolist() == np.argsort(worth)[: len(order)].tolist()
    assert counts.total(order) <= 0.5 * counts.total() < counts.total(order[:-1])


def test_without_a_count_each_saves_one(bundles, rng):
    worth = rng.random(len(bundles))
    for meaning in ("loss", "share", "place"):
        order = ByWorth(bundles, worth, meaning, "mine").order(bundles.sizes, 5, None)
        assert order.tolist() == np.argsort(worth)[:5].tolist()


def test_what_is_worth_infinitely_much_goes_last(bundles, rng):
    worth = np.full(len(bundles), np.inf)
    worth[[3, 1]] = 1, 2
    order = ByWorth(bundles, worth, "share", "mine").order(bundles.sizes, 4, None)
    assert order.tolist() == [3, 1, 0, 2]
