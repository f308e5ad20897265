"""A connection stays if the two units have a label in common."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.models.graph import walk
from fm_keras.pruning import afcc_masks, afcc_threshold, random_afcc_masks, unit_labels

A, B, AB, NONE = [1, 0], [0, 1], [1, 1], [0, 0]


@pytest.fixture
def chain():
    """Two Dense layers before the head."""
    numbers = keras.Input((4,))
    x = layers.Dense(3, "relu", name="one")(numbers)
    x = layers.Dense(2, "relu", name="two")(x)
    return keras.Model(numbers, layers.Dense(2, "softmax", name="out")(x), name="chain")


def test_masks_of_a_small_network_are_those_found_by_hand(chain, labeled):
    found = afcc_masks(chain, labeled({"one": [A, AB, NONE], "two": [A, B]}))
    assert found.masks["two"].astype(int).tolist() == [[1, 0], [1, 1], [0, 0]]
    assert found.masks["out"].astype(int).tolist() == [A, B]
    assert found.total_dilution == (3 + 2) / (6 + 4)
    assert found.whole == {"one": "it reads units of which nothing was measured"}
    assert found.origin == "AFCC at threshold 0.3, probe fields over 1 test image of by hand"


def test_a_filter_without_a_cluster_loses_all_connections(connected, connected_analysis):
    masks = afcc_masks(connected, connected_analysis).masks
    assert not masks["hidden"][:, 1].any()
    assert not masks["out"][1].any()


def literal(model, analysis):
    """Connection by connection, from the labels at the cuts."""
    labels = {path: each.tolist() for path, each in unit_labels(model, analysis).items()}
    heads = [[True, False], [False, True]]

    def shared(one, other):
        return any(x and y for x, y in zip(one, other))

    def mask(read, made):
        return [[shared(r, m) for m in made] for r in read]

    grouped = [[shared(labels["first"][2 * (o // 3) + r], labels["grouped"][o]) for o in range(6)] for r in range(2)]
    spread = [each for each in labels["grouped"] for _ in range(2)]
    flat = [each for _ in range(4) for each in labels["twice:2"]]
    once, again = mask(labels["einsum"], labels["twice"]), mask(labels["twice"], labels["twice:2"])
    return {
        "grouped": grouped,
        "separable": mask(spread, labels["separable"]),
        "transposed": mask(labels["separable"], labels["transposed"]),
        "einsum": mask([each for each in labels["transposed"] for _ in range(2)], labels["einsum"]),
        "twice": (np.array(once) | np.array(again)).tolist(),
        "hidden": mask(flat, labels["hidden"]),
        "out": mask(labels["hidden"], heads),
    }


def test_masks_are_those_of_a_literal_loop(connected, connected_analysis):
    found = afcc_masks(connected, connected_analysis)
    expected = literal(connected, connected_analysis)
    assert {path: mask.tolist() for path, mask in found.masks.items()} == expected
    assert list(found.masks) == [call.path for call in walk(connected).calls if call.path in expected]
    assert 0.2 < found.total_dilution < 0.8


def test_only_the_layers_asked_for_are_masked(connected, connected_analysis):
    whole = afcc_masks(connected, connected_analysis)
    some = afcc_masks(connected, connected_analysis, layers=["hidden", "out"])
    assert list(some.masks) == ["hidden", "out"]
    np.testing.assert_array_equal(some.masks["hidden"], whole.masks["hidden"])


def test_the_last_layer_is_left_whole_where_other_labels_were_measured(chain, labeled):
    found = afcc_masks(chain, labeled({"one": [[1, 0, 0]] * 3, "two": [[1, 0, 1]] * 2}))
    assert list(found.masks) == ["two"]
    assert found.whole["out"] == "it puts out 2 labels, and 3 were measured"


def test_layers_without_measured_units_are_named_with_the_reason(chain, labeled):
    found = afcc_masks(chain, labeled({"one": [A] * 3}))
    assert found.whole["two"] == "nothing was measured of its own units"
    assert found.whole["out"] == "it reads units of which nothing was measured"
    assert not found.masks
    assert found.total_dilution == 0


def test_layers_that_are_no_connections_between_units_are_named_too(labeled):
    tokens = keras.Input((5, 4))
    x = layers.Dense(4, name="into")(tokens)
    x = layers.MultiHeadAttention(2, 2, name="attention")(x, x)
    x = layers.Dense(3, name="after")(x)
    model = keras.Model(tokens, layers.Dense(2, name="out")(layers.GlobalAveragePooling1D()(x)))
    found = afcc_masks(model, labeled({"into": [A] * 4, "attention": [A, B, A, B], "after": [A, B, AB]}))
    assert list(found.masks) == ["after", "out"]
    assert "is no layer that surgery knows" in found.whole["attention"]
    assert found.masks["after"][:, 0].tolist() == [True, False, True, False]


def test_a_higher_threshold_never_keeps_more(connected, connected_analysis):
    low, high = (afcc_masks(connected, connected_analysis, threshold=each) for each in (0.15, 0.5))
    assert all((low.masks[path] | ~high.masks[path]).all() for path in low.masks)
    assert low.total_dilution < high.total_dilution


def test_the_threshold_for_a_dilution_is_the_nearest_of_all(connected, connected_analysis):
    tried = [
        afcc_masks(connected, connected_analysis, threshold=t).total_dilution for t in (0.05, 0.15, 0.22, 0.3, 0.5)
    ]
    for wanted in (0.3, 0.45, 0.6):
        found = afcc_masks(connected, connected_analysis, dilution=wanted).total_dilution
        assert found == min(tried, key=lambda each: abs(each - wanted))


def test_a_dilution_that_some_threshold_makes_is_met(analyzed, analysis):
    wanted = afcc_masks(analyzed, analysis, threshold=0.37, layers=["hidden", "out"])
    found = afcc_threshold(analyzed, analysis, wanted.total_dilution, layers=["hidden", "out"])
    again = afcc_masks(analyzed, analysis, threshold=found, layers=["hidden", "out"])
    assert again.total_dilution == wanted.total_dilution > 0


def test_random_labels_of_a_given_size_cut_as_many_connections_as_chance_says(labeled):
    numbers = keras.Input((4,))
    x = layers.Dense(200, name="one")(numbers)
    model = keras.Model(numbers, layers.Dense(10, name="out")(layers.Dense(200, name="two")(x)))
    analysis = labeled({"one": np.zeros((200, 10)), "two": np.zeros((200, 10))})
    found = random_afcc_masks(model, analysis, np.random.default_rng(0), size=2)
    assert found.masks["out"].sum(axis=1).tolist() == [2] * 200
    assert found.masks["out"].sum(axis=0).tolist() == [40] * 10
    np.testing.assert_allclose(found.dilution()["dilution"][0], (8 * 7) / (10 * 9), atol=0.02)


def test_random_labels_are_as_many_as_the_real_ones(connected, connected_analysis):
    real = afcc_masks(connected, connected_analysis)
    first, again, other = (
        random_afcc_masks(connected, connected_analysis, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert sorted(first.masks["out"].sum(axis=1)) == sorted(real.masks["out"].sum(axis=1))
    assert all((first.masks[path] == again.masks[path]).all() for path in first.masks)
    assert any((first.masks[path] != other.masks[path]).any() for path in first.masks)
    assert first.whole == real.whole


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"layers": ["first"]}, "'first' of 'connected' cannot be masked by labels: it reads units of which nothing"),
        ({"layers": ["depthwise"]}, "'connected' has no connections to mask at 'depthwise'. It has some at: first,"),
        ({"threshold": 1.0}, "threshold is 1.0; it is a share of the largest field, between 0 and 1, e.g. 0.3."),
        ({"threshold": 0.2, "dilution": 0.5}, "threshold 0.2 and dilution 0.5 exclude each other"),
        ({"dilution": 0.001}, "AFCC cannot cut 0.001 of the connections: with these fields it cuts from"),
    ],
)
def test_what_cannot_be_done_is_one_line(connected, connected_analysis, message_of, wanted, message):
    assert message in message_of(lambda: afcc_masks(connected, connected_analysis, **wanted))


def test_a_size_that_is_no_number_of_labels_is_one_line(connected, connected_analysis, rng, message_of):
    said = message_of(lambda: random_afcc_masks(connected, connected_analysis, rng, size=3))
    assert said == "size is 3; it is a number of labels, from 0 to 2."
