"""The greedy rule, word for word; quotas that hold, and units that compete for what they save."""

from functools import partial

import numpy as np
import pytest

from fm_keras.filters import choose_units, removal_cost


def cross_entropy(logits, label):
    """Of one image, in a way that survives logits far apart."""
    return np.logaddexp.reduce(logits) - logits[label]


def centered(logits):
    return logits - logits.mean(axis=1, keepdims=True)


def literal_choice(contributions_without, labels, stops):
    """The greedy rule, word for word; `stops` say after how many removals contributions are taken again."""
    removed, (whole, _) = [], contributions_without([])
    for stop in stops:
        z, c = contributions_without(removed)
        in_this_round = []
        while len(removed) < stop:
            costs = {}
            for unit in set(range(c.shape[1])) - set(removed):
                left = z - c[:, [*in_this_round, unit]].sum(axis=1)
                if labels is None:
                    costs[unit] = np.square(centered(left) - centered(whole)).mean()
                else:
                    costs[unit] = np.mean([cross_entropy(*pair) for pair in zip(left, labels, strict=True)])
            best = min(sorted(costs), key=costs.get)
            removed.append(best)
            in_this_round.append(best)
    return removed


class SmallNetwork:
    """One hidden layer after the units, so that contributions change with what is removed."""

    def __init__(self, rng, *, images=20, units=12, outputs=4):
        self.activations = rng.random((images, units)) * (rng.random((images, units)) < 0.6)
        self.hidden = rng.normal(size=(units, 9))
        self.head = rng.normal(size=(9, outputs))
        self.labels = rng.integers(outputs, size=images)
        self.calls = []

    def without(self, removed):
        self.calls.append(len(removed))
        gated = self.activations.copy()
        gated[:, np.asarray(removed, int)] = 0
        before = gated @ self.hidden
        slopes = (before > 0)[:, :, None] * self.head
        return np.maximum(before, 0) @ self.head, gated[:, :, None] * (self.hidden @ slopes)


def fixed(logits, contributions):
    """A network whose contributions stay as they are."""
    return lambda removed: (np.asarray(logits, float), np.asarray(contributions, float))


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        # With label 0, unit 1 does harm; then unit 2 (z - c = 5) is better lost than unit 0 (z - c = 1).
        ([0], [1, 2, 0]),
        # Square changes of z: 25, 25, 1; after unit 2, units 0 and 1 leave z at -5 and 5, 1 being the old z.
        (None, [2, 1, 0]),
    ],
)
def test_units_that_cancel_are_chosen_in_the_order_worked_out_by_hand(labels, order):
    network = fixed([[1, 0]], [[[5, 0], [-5, 0], [1, 0]]])
    assert choose_units(network, labels, 3, rounds=1).tolist() == order


def test_units_that_stand_in_for_each_other_are_not_both_taken():
    # Units 0 and 1 say label 0 on image 0, units 2 and 3, a bit louder, label 0 on image 1.
    contributions = np.zeros((2, 4, 2))
    contributions[0, :2, 0], contributions[1, 2:, 0] = 2, 2.2
    logits, labels = np.array([[3.0, 0], [3.0, 0]]), np.array([0, 0])

    assert removal_cost(logits, contributions, labels).argsort(kind="stable").tolist() == [0, 1, 2, 3]
    assert choose_units(fixed(logits, contributions), labels, 4, rounds=1).tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize("rounds", [1, 4])
@pytest.mark.parametrize("labeled", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_it_equals_the_rule_word_for_word(seed, labeled, rounds):
    network = SmallNetwork(np.random.default_rng(seed))
    labels = network.labels if labeled else None
    stops = {1: [9], 4: [2, 4, 7, 9]}[rounds]  # quarters of 9: 2.25, 4.5, 6.75, 9
    expected = literal_choice(network.without, labels, stops)
    network.calls.clear()

    assert choose_units(network.without, labels, 9, rounds=rounds).tolist() == expected
    assert network.calls == [0, *stops[:-1]]


@pytest.mark.parametrize("labeled", [True, False])
def test_in_one_round_a_smaller_budget_is_a_prefix(labeled, rng):
    network = SmallNetwork(rng)
    labels = network.labels if labeled else None
    whole = choose_units(network.without, labels, 12, rounds=1)
    assert sorted(whole) == list(range(12))
    for count in range(13):
        assert choose_units(network.without, labels, count, rounds=1).tolist() == whole[:count].tolist()


@pytest.mark.parametrize("labeled", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_units_are_taken_by_their_index(labeled, dtype, rng):
    contributions = np.repeat(rng.normal(size=(30, 1, 100)), 37, axis=1).astype(dtype)
    logits, labels = rng.normal(size=(30, 100)).astype(dtype), rng.integers(100, size=30)
    order = choose_units(lambda removed: (logits, contributions), labels if labeled else None, 37)
    assert order.tolist() == list(range(37))


def test_logits_that_underflow_still_give_a_choice():
    # Without unit 1 the true logit is 1000 below the other one, without unit 0 it is 1000 above.
    network = fixed([[0, 0]], [[[0, 1000], [1000, 0]]])
    assert choose_units(network, np.array([0]), 2, rounds=1).tolist() == [0, 1]


@pytest.mark.parametrize("labeled", [True, False])
def test_what_is_given_for_removed_units_does_not_matter(labeled, rng):
    network = SmallNetwork(rng)
    labels = network.labels if labeled else None

    def without(removed):
        logits, contributions = network.without(removed)
        contributions[:, removed] = rng.normal(size=contributions[:, removed].shape)
        return logits, contributions

    assert choose_units(without, labels, 9).tolist() == choose_units(network.without, labels, 9).tolist()


def test_more_rounds_than_units_take_contributions_again_after_every_unit(rng):
    network = SmallNetwork(rng)
    choose_units(network.without, network.labels, 3, rounds=8)
    assert network.calls == [0, 1, 2]


def test_no_units_are_chosen_without_a_look_at_the_network():
    assert choose_units(lambda removed: pytest.fail("called"), None, 0).shape == (0,)


GROUPS = np.arange(12) % 3


@pytest.mark.parametrize("labeled", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_quotas_are_filled_and_never_exceeded(seed, labeled):
    network = SmallNetwork(np.random.default_rng(seed))
    labels = network.labels if labeled else None
    chosen = choose_units(network.without, labels, 6, groups=GROUPS, quotas=[1, 4, 1])
    assert np.bincount(GROUPS[chosen]).tolist() == [1, 4, 1]
    assert len(set(chosen)) == 6


def test_quotas_that_do_not_bind_change_nothing(rng):
    network = SmallNetwork(rng)
    free = choose_units(network.without, network.labels, 7)
    assert choose_units(network.without, network.labels, 7, groups=GROUPS, quotas=[4, 4, 4]).tolist() == free.tolist()


def test_the_order_is_that_without_quotas_until_one_is_full(rng):
    network = SmallNetwork(rng)
    free = choose_units(network.without, network.labels, 12, rounds=1)
    full = np.flatnonzero(np.cumsum(GROUPS[free] == 0) == 3)[0]
    bound = choose_units(network.without, network.labels, 10, rounds=1, groups=GROUPS, quotas=[2, 4, 4])
    assert bound[:full].tolist() == free[:full].tolist()
    assert bound[full] != free[full]


def savings_of(each):
    return lambda removed: np.asarray(each)


def test_the_same_saving_for_all_changes_nothing(rng):
    network = SmallNetwork(rng)
    free = choose_units(network.without, network.labels, 8)
    assert choose_units(network.without, network.labels, 24, savings=savings_of([3] * 12)).tolist() == free.tolist()


@pytest.mark.parametrize(
    ("savings", "order"),
    [
        # CE without unit 0 is ln(1 + e^-1), without unit 1 ln(1 + 1), with all ln(1 + e^-2): 0.186 and 0.566 more.
        ([1, 1], [0, 1]),
        ([1, 4], [1, 0]),
        ([1, 3], [0, 1]),
    ],
)
def test_units_compete_by_cost_for_what_they_save(savings, order):
    network = fixed([[2, 0]], [[[1, 0], [2, 0]]])
    found = choose_units(network, [0], sum(savings), rounds=1, savings=savings_of(savings))
    assert found.tolist() == order


def test_what_costs_less_than_nothing_goes_first_whatever_it_saves():
    network = fixed([[2, 0]], [[[1, 0], [-1, 0], [-2, 0]]])
    found = choose_units(network, [0], 102, rounds=1, savings=savings_of([100, 1, 1]))
    assert found.tolist() == [2, 1, 0]


def test_removal_ends_when_enough_is_saved_and_asks_for_savings_again():
    network, asked = fixed([[3, 0]], np.ones((1, 4, 2))), []

    def savings(removed):
        asked.append(removed.tolist())
        return np.array([2, 2, 2, 2]) - len(removed)

    assert choose_units(network, [0], 3, rounds=1, savings=savings).tolist() == [0, 1]
    assert asked == [[], [0]]


@pytest.mark.parametrize(
    ("count", "limits", "message"),
    [
        (
            5,
            {"groups": [0, 0, 0, 1, 1, 1], "quotas": [2, 2]},
            "count is 5, but the quotas of all groups let 4 units go",
        ),
        (2, {"groups": [0, 0, 0, 1, 1, 2], "quotas": [2, 2]}, "groups must be the number of each unit's group, from 0"),
        (2, {"quotas": [2, 2]}, "groups must be the number of each unit's group, from 0 to 1"),
        (9, {"savings": savings_of([1] * 6)}, "All units that may go save 6, and 9 is asked for: ask for less."),
    ],
)
def test_quotas_and_savings_that_cannot_do_are_named(message_of, count, limits, message):
    network = fixed(np.zeros((2, 4)), np.zeros((2, 6, 4)))
    assert message in message_of(partial(choose_units, **limits), network, None, count)
