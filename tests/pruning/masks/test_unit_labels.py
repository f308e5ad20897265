"""Labels go with their units through a network."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from fm_keras.pruning import unit_labels
from fm_keras.pruning.masks.unit_labels import carried_labels, cluster_labels, own_shares, random_labels
from fm_keras.pruning.surgery.dependencies import Dependencies

A, B, AB, NONE = [1, 0], [0, 1], [1, 1], [0, 0]


def model_of(build, shape=(4, 4, 2)):
    image = keras.Input(shape)
    return keras.Model(image, layers.Dense(2, name="out")(layers.Flatten(name="flatten")(build(image))), name="m")


@pytest.fixture
def carried(labeled):
    """Labels behind each call of a network, by path; None where some are not known."""

    def follow(model, own):
        found = Dependencies(model)
        values = carried_labels(found, cluster_labels(found, labeled(own)))
        behind = {call.path: values[call.outputs[0]] for call in found.graph.calls}
        return {path: None if np.isnan(each).any() else each.astype(int).tolist() for path, each in behind.items()}

    return follow


def test_layers_that_make_no_units_pass_labels_on(carried):
    def build(x):
        x = layers.Conv2D(3, 1, name="conv")(x)
        x = layers.LayerNormalization(name="over")(layers.BatchNormalization(name="norm")(x))
        return layers.Dropout(0.5, name="drop")(layers.MaxPooling2D(name="pool")(layers.ReLU(name="relu")(x)))

    found = carried(model_of(build), {"conv": [A, B, AB]})
    for path in ("conv", "norm", "over", "relu", "pool", "drop"):
        assert found[path] == [A, B, AB]
    assert found["flatten"] == [A, B, AB] * 4


def test_a_depthwise_convolution_carries_the_labels_of_what_it_reads_and_not_its_own(carried):
    def build(x):
        return layers.DepthwiseConv2D(3, depth_multiplier=2, name="deep")(layers.Conv2D(2, 1, name="conv")(x))

    assert carried(model_of(build), {"conv": [A, B], "deep": [B] * 4})["deep"] == [A, A, B, B]


def test_an_add_takes_the_union_and_a_concatenation_puts_side_by_side(carried):
    def build(x):
        one, other = layers.Conv2D(3, 1, name="one")(x), layers.Conv2D(3, 1, name="other")(x)
        x = layers.Add(name="add")([one, other])
        return layers.Concatenate(name="both")([x, one])

    found = carried(model_of(build), {"one": [A, B, NONE], "other": [NONE, A, NONE], "add": [AB, AB, AB]})
    assert found["add"] == [A, AB, NONE]
    assert found["both"] == [A, AB, NONE, A, B, NONE]


def test_a_gate_of_one_channel_gives_its_labels_to_all_units(carried):
    def build(x):
        gate = layers.Conv2D(1, 1, activation="sigmoid", name="gate")(x)
        return layers.Multiply(name="gated")([layers.Conv2D(2, 1, name="conv")(x), gate])

    assert carried(model_of(build), {"conv": [A, NONE], "gate": [B]})["gated"] == [AB, B]


def test_labels_where_branches_meet_are_the_own_ones_where_a_branch_is_unknown(carried):
    def build(x):
        return layers.Add(name="add")([layers.Conv2D(2, 1, name="one")(x), layers.Conv2D(2, 1, name="other")(x)])

    model = model_of(build)
    assert carried(model, {"one": [A, A]})["add"] is None
    assert carried(model, {"one": [A, A], "add": [B, AB]})["add"] == [B, AB]


def test_calls_of_a_shared_layer_inside_a_nested_model_have_labels_of_their_own(labeled):
    inner = keras.Input((4, 4, 2))
    block = keras.Model(inner, layers.Conv2D(2, 1, name="conv")(inner), name="block")
    model = model_of(lambda x: block(block(x)))
    found = unit_labels(model, labeled({"block/conv": [A, B], "block/conv:2": [AB, NONE]}))
    assert {path: each.astype(int).tolist() for path, each in found.items()} == {
        "block/conv": [A, B],
        "block/conv:2": [AB, NONE],
    }


def test_cuts_of_which_nothing_is_known_have_no_labels(labeled):
    model = model_of(lambda x: layers.Conv2D(2, 1, name="late")(layers.Conv2D(2, 1, name="early")(x)))
    assert list(unit_labels(model, labeled({"late": [A, B]}))) == ["late"]


def test_reshaped_units_that_share_a_channel_share_labels(carried):
    def build(x):
        return layers.Reshape((8, 4), name="mixed")(layers.Conv2D(2, 1, name="conv")(x))

    assert carried(model_of(build), {"conv": [A, B]})["mixed"] == [A, B, A, B]
    three = model_of(lambda x: layers.Reshape((16, 3), name="mixed")(layers.Conv2D(3, 1, name="conv")(x)))
    assert carried(three, {"conv": [A, B, NONE]})["mixed"] == [A, B, NONE]
    across = model_of(lambda x: layers.Reshape((24, 2), name="mixed")(layers.Conv2D(3, 1, name="conv")(x)))
    assert carried(across, {"conv": [A, B, NONE]})["mixed"] == [AB, AB]


def test_shares_above_the_threshold_are_the_labels_in_clusters(analyzed, analysis):
    found = Dependencies(analyzed)
    by_clusters, shares = cluster_labels(found, analysis), own_shares(analysis)
    for path, labels in by_clusters.items():
        np.testing.assert_array_equal(shares[path] > analysis.settings.threshold, labels)
        np.testing.assert_array_equal(cluster_labels(found, analysis, 0.3)[path], labels)
        assert 0 < labels.mean() < 1


def test_a_higher_threshold_never_adds_labels(analyzed, analysis):
    found = Dependencies(analyzed)
    low, high = cluster_labels(found, analysis, 0.2), cluster_labels(found, analysis, 0.6)
    assert all((low[path] | ~high[path]).all() for path in low)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12).flatmap(lambda k: st.tuples(st.just(k), st.lists(st.integers(0, k), min_size=1))))
def test_random_labels_have_the_sizes_asked_for_and_each_label_equally_often(drawn):
    count, sizes = drawn
    labels = random_labels(np.array(sizes), count, np.random.default_rng(0))
    assert labels.sum(axis=1).tolist() == sizes
    assert np.ptp(labels.sum(axis=0)) <= 1


def test_an_analysis_of_another_model_is_one_line(labeled, message_of):
    model = model_of(lambda x: layers.Conv2D(2, 1, name="conv")(x))
    assert "2 units of 'else', the model has none" in message_of(unit_labels, model, labeled({"else": [A, B]}))
    assert "1 units of 'conv', the model has 2" in message_of(unit_labels, model, labeled({"conv": [A]}))
