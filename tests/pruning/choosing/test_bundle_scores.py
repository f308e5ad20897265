"""Costs of units that go together add up once; other scores meet as shares of their layers' means."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.pruning.choosing.bundle_scores import bundle_places, bundle_scores, spread_over_units
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.scores.field_scores import score_series


@pytest.fixture
def bundles():
    """Convolutions a and b meet in an add, with inner in between."""
    image = keras.Input((6, 6, 3))
    a = layers.Conv2D(3, 1, name="a")(image)
    inner = layers.Conv2D(2, 1, name="inner")(a)
    add = layers.Add(name="add")([a, layers.Conv2D(3, 1, name="b")(inner)])
    return Bundles(keras.Model(image, layers.Dense(2)(layers.Flatten()(add))))


SCORES = {"a": [1.0, 2, 3], "inner": [8.0, 2], "b": [10.0, 0, -1], "add": [100.0, 100, 100]}


def scored(**changes):
    return score_series("mine", {path: np.array(values) for path, values in (SCORES | changes).items()})


def test_costs_are_added_over_the_layers_that_make_the_units_and_not_again_in_the_add(bundles):
    assert bundle_scores(bundles, scored(), adds=True, rule="mine").tolist() == [11, 2, 2, 8, 2]


def test_other_scores_are_averaged_as_shares_of_the_mean_of_their_layer(bundles):
    # a: 1, 2, 3 of 2.  b counts from -1: 11, 1, 0 of 4.  add: 1, 1, 1.  inner: 8, 2 of 5.
    expected = [(0.5 + 11 / 4 + 1) / 3, (1 + 0.25 + 1) / 3, (1.5 + 0 + 1) / 3, 1.6, 0.4]
    np.testing.assert_allclose(bundle_scores(bundles, scored(), adds=False, rule="mine"), expected)


def test_a_cut_without_a_score_does_not_count(bundles):
    nothing = [np.nan] * 3
    found = bundle_scores(bundles, scored(add=nothing, b=nothing), adds=False, rule="mine")
    np.testing.assert_allclose(found, [0.5, 1, 1.5, 1.6, 0.4])


def test_infinite_scores_stay_and_do_not_swallow_the_others(bundles):
    found = bundle_scores(bundles, scored(inner=[np.inf, 2]), adds=False, rule="mine")
    assert found[3:].tolist() == [np.inf, 1]


def test_a_layer_of_zeros_is_worth_nothing(bundles):
    assert bundle_scores(bundles, scored(inner=[0.0, 0]), adds=False, rule="mine")[3:].tolist() == [0, 0]


def test_an_order_counts_by_the_first_unit_that_is_named(bundles):
    order = pd.MultiIndex.from_tuples([("b", 2), ("inner", 0), ("a", 2), ("add", 0)])
    assert bundle_places(bundles, order, rule="mine").tolist() == [3, np.inf, 0, 1, np.inf]
    floats = order.set_levels(order.levels[1].astype(float), level=1)
    assert bundle_places(bundles, floats, rule="mine").tolist() == [3, np.inf, 0, 1, np.inf]


def test_what_bundles_are_worth_is_spread_over_all_their_units(bundles):
    spread = spread_over_units(bundles, np.arange(5.0))
    assert {path: values.tolist() for path, values in spread.items()} == {
        "a": [0, 1, 2],
        "inner": [3, 4],
        "b": [0, 1, 2],
        "add": [0, 1, 2],
    }


@pytest.mark.parametrize(
    ("change", "adds", "message"),
    [
        (
            lambda s: s.drop("inner", level=0),
            True,
            "Rule mine gives no score for 'inner'. Take another rule, or name in layers",
        ),
        (lambda s: s.drop("b", level=0), True, "Rule mine gives no score for 'b'."),
        (lambda s: s.drop("inner", level=0), False, "Rule mine gives no score for 'inner'."),
        (lambda s: s.drop(("a", 1)), True, "Rule mine gives no number for unit 1 of 'a'."),
        (lambda s: s.replace(8.0, np.nan), True, "Rule mine gives no number for unit 0 of 'inner'."),
        (
            lambda s: s.rename({"a": "z"}),
            True,
            "Rule mine speaks of 'z', where the model cannot be cut. It can be at: a,",
        ),
        (lambda s: s.rename({2: 7}), True, "Rule mine speaks of unit 7 of 'a', which has units 0 to 2."),
        (lambda s: s.rename({2: -1}), True, "Rule mine speaks of unit -1 of 'a', which has units 0 to 2."),
        (lambda s: s.rename({2: "2"}), True, "Rule mine speaks of unit '2' of 'a': units have numbers, 0 to 2."),
        (lambda s: s.astype(object).replace(8.0, "much"), True, "Rule mine gives 'much' for unit 0 of 'inner': give a"),
        (lambda s: pd.concat([s, s.iloc[:1]]), True, "Rule mine speaks twice of unit 0 of 'a'."),
        (lambda s: s.loc["a"], True, "Rule mine must give an index of two levels, (layer, filter); received 1."),
    ],
)
def test_scores_that_say_too_little_or_too_much_are_named(bundles, message_of, change, adds, message):
    assert message_of(lambda: bundle_scores(bundles, change(scored()), adds=adds, rule="mine")).startswith(message)


def test_orders_of_what_is_not_there_are_refused(bundles, message_of):
    def places(*units):
        return bundle_places(bundles, pd.MultiIndex.from_tuples(units), rule="mine")

    assert message_of(places, ("a", 5)) == "Rule mine speaks of unit 5 of 'a', which has units 0 to 2."
    assert message_of(places, ("a", "b")) == "Rule mine speaks of unit 'b' of 'a': units have numbers, 0 to 2."
    assert message_of(places, ("a", 1), ("a", 1)) == "Rule mine speaks twice of unit 1 of 'a'."
    assert message_of(places, ("z", 1)).startswith("Rule mine speaks of 'z'")
