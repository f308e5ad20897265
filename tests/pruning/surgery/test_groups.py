"""What a group costs is what would go with all of it."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.models import ModelSpec, build_model, count_operations
from fm_keras.pruning import remove_units, unit_groups


@pytest.fixture
def doubled():
    """A network, and the same with every unit of 'a' and 'b' there twice."""

    def build(units):
        image = keras.Input((6, 6, 3))
        x = layers.Conv2D(units, 3, name="a")(image)
        x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
        x = layers.DepthwiseConv2D(3, name="b")(x)
        x = layers.SeparableConv2D(4, 1, name="c")(x)
        return keras.Model(image, layers.Dense(2, name="out")(layers.Flatten()(x)))

    return build


def test_costs_are_those_that_grow_with_the_units(doubled):
    small, large = doubled(4), doubled(8)
    group = unit_groups(large)[0]
    assert (sorted(group.cuts), len(group)) == (["a", "b"], 8)
    assert group.layers == ("a", "norm", "b", "c")
    assert group.params == 2 * (large.count_params() - small.count_params())
    assert group.macs == 2 * (sum(count_operations(large).values()) - sum(count_operations(small).values()))


def test_the_cost_of_a_group_goes_down_with_its_share_where_nothing_else_is_cut():
    model = build_model(ModelSpec(name="vgg6", width=4, image_shape=(32, 32, 3), labels=10))
    group = unit_groups(model)[1]
    effect = remove_units(model, group.channels(range(len(group) // 2))).effect
    assert effect["macs"].sum() - effect["macs_kept"].sum() == group.macs // 2
    assert effect["params"].sum() - effect["params_kept"].sum() == group.params // 2


def test_shared_weights_count_once_and_their_operations_at_every_call():
    image = keras.Input((6, 6, 3))
    layer = layers.Conv2D(4, 1, use_bias=False, name="twice")
    stem = layers.Conv2D(3, 1, use_bias=False, name="stem")(image)
    both = layers.Add()([layer(stem), layer(layers.ReLU()(stem))])
    model = keras.Model(image, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling2D()(both)))
    groups = {group.name: group for group in unit_groups(model)}
    assert groups["stem"].params == 3 * 3 + 3 * 4
    assert groups["stem"].macs == 36 * (3 * 3 + 2 * 3 * 4)


def test_operations_are_unknown_where_images_have_no_fixed_size():
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    model = keras.Model(image, layers.Dense(2)(layers.Dense(5, name="hidden")(x)))
    (group,) = unit_groups(model)
    assert (group.name, group.macs, group.removable) == ("hidden", 4 * 5 + 5 * 2, True)


def test_the_units_of_a_group_keep_their_order(doubled):
    group = unit_groups(doubled(3))[0]
    np.testing.assert_array_equal(group.cuts["a"], [[0], [1], [2]])
    assert group.channels([2, 0]) == {"a": [0, 2], "b": [0, 2]}
