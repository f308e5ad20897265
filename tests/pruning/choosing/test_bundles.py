"""What may go is numbered through all groups; where units begin is where their worth is read."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.pruning import remove_units, unit_groups
from fm_keras.pruning.choosing.bundles import Bundles


def conv(x, units, name, **options):
    return layers.Conv2D(units, 3, padding="same", activation="relu", name=name, **options)(x)


def ending(image, x):
    return keras.Model(image, layers.Dense(2, name="out")(layers.GlobalAveragePooling2D()(x)), name="net")


@pytest.fixture
def image():
    return keras.Input((6, 6, 3))


@pytest.fixture
def residual(image):
    x = conv(image, 4, "a")
    inner = conv(x, 3, "inner")
    return ending(image, layers.Add(name="add")([x, conv(inner, 4, "b")]))


def test_bundles_are_numbered_through_the_groups_and_removed_with_all_that_goes_along(residual):
    bundles = Bundles(residual)
    assert [group.name for group in bundles.groups] == ["a", "inner"]
    assert (bundles.sizes.tolist(), bundles.group_of.tolist()) == ([4, 3], [0, 0, 0, 0, 1, 1, 1])
    assert bundles.units([1, 4]) == {"a": [1], "inner": [0], "b": [1], "add": [1]}
    remove_units(residual, bundles.units([0, 1, 2, 4, 5]))


def test_units_of_an_add_begin_in_the_convolutions_that_meet_there(residual):
    bundles = Bundles(residual)
    assert sorted(bundles.sources) == ["a", "b", "inner"]
    assert sorted(bundles.gated) == ["a", "b", "inner"]


def test_a_depthwise_convolution_that_alone_reads_a_layer_stands_for_it(image):
    x = layers.ZeroPadding2D(1)(conv(image, 4, "expand"))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    bundles = Bundles(ending(image, conv(x, 3, "project")))
    assert bundles.cuts == ["expand", "depthwise", "project"]
    assert bundles.sources == bundles.gated == ["depthwise", "project"]
    assert bundles.at("depthwise").tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_it_does_not_where_something_else_reads_the_layer_too(image):
    x = conv(image, 4, "a")
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    bundles = Bundles(ending(image, layers.Add(name="add")([x, y])))
    assert bundles.sources == ["a"]
    assert bundles.gated == ["a", "depthwise"]


def test_units_that_must_stay_have_no_number(image):
    x = conv(image, 4, "whole")
    x = layers.GlobalAveragePooling2D()(layers.LayerNormalization()(x))
    model = keras.Model(image, layers.Dense(2)(layers.Dense(3, name="hidden")(x)))
    bundles = Bundles(model)
    assert bundles.at("whole").tolist() == [-1] * 4
    assert bundles.at("hidden").tolist() == [0, 1, 2]


def test_the_first_of_each_group_stay(residual):
    assert Bundles(residual).first_of_each(np.array([3, 1])).tolist() == [3, 5, 6]


def test_every_bundle_can_be_removed_alone(connected):
    bundles = Bundles(connected)
    assert len(bundles) == sum(len(group) for group in unit_groups(connected) if group.removable) > 10
    for bundle in range(len(bundles)):
        if bundles.sizes[bundles.group_of[bundle]] > 1:
            remove_units(connected, bundles.units([bundle]))


def test_only_layers_that_are_named_lose_units_and_adds_follow(residual):
    assert [group.name for group in Bundles(residual, layers=["inner"]).groups] == ["inner"]
    assert [group.name for group in Bundles(residual, layers=["a", "b"]).groups] == ["a"]


def test_layers_that_cannot_lose_units_are_refused(image, residual, message_of):
    def refuse(model, *names):
        return message_of(lambda: Bundles(model, layers=names))

    assert refuse(residual, "a") == ("Units of 'a' go together with those of 'b': name all of them as layers, or none.")
    assert refuse(residual, "nothing").startswith("Model 'net' has no layer 'nothing'. It can be cut at: a, inner,")
    normalized = layers.LayerNormalization(name="norm")(conv(image, 4, "whole"))
    stuck = ending(image, normalized)
    reason = "norm (LayerNormalization) normalizes over units, whose mean and variance change with their number"
    assert message_of(Bundles, stuck) == f"No unit of model 'net' can be removed: {reason}."
    model = ending(image, conv(normalized, 3, "free"))
    assert refuse(model, "whole") == f"No unit of 'whole' can be removed: {reason}. Leave it out of the layers."
