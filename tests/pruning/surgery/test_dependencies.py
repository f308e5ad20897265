"""Units that meet go together; what cannot go is named with its reason, in one line."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.pruning import complete_units, plan_removal, unit_groups


def groups_of(model):
    return {group.name: (sorted(group.cuts), len(group), group.reason) for group in unit_groups(model)}


def ending(image, x):
    return keras.Model(image, layers.Dense(2, name="out")(layers.GlobalAveragePooling2D(name="pool")(x)), name="net")


def conv(x, filters, name, size=1, **options):
    return layers.Conv2D(filters, size, padding="same", name=name, **options)(x)


@pytest.fixture
def image():
    return keras.Input((6, 6, 3))


@pytest.fixture
def residual(image):
    x = conv(image, 4, "a")
    x = layers.Add(name="add")([x, conv(conv(x, 3, "inner"), 4, "b")])
    return ending(image, x)


def test_what_an_add_joins_is_one_group_and_what_lies_inside_another(residual):
    assert groups_of(residual) == {"a": (["a", "add", "b"], 4, None), "inner": (["inner"], 3, None)}


def test_a_unit_of_an_add_goes_with_those_that_make_it(residual):
    assert complete_units(residual, {"add": [2]}) == {"a": [2], "b": [2], "add": [2]}


def test_concatenation_splits_an_add_into_two_groups(image):
    parts = [conv(image, 2, "left"), conv(image, 3, "right")]
    x = layers.Add(name="add")([layers.Concatenate(name="cat")(parts), conv(image, 5, "both")])
    model = ending(image, x)
    assert groups_of(model) == {
        "left": (["add", "both", "cat", "left"], 2, None),
        "right": (["add", "both", "cat", "right"], 3, None),
    }
    assert complete_units(model, {"both": [3]}) == {"right": [1], "cat": [3], "both": [3], "add": [3]}


def test_two_groups_that_begin_at_one_cut_have_two_names(image):
    x = conv(image, 5, "both")
    parts = layers.Concatenate(name="cat")([conv(image, 2, "left"), conv(image, 3, "right")])
    assert list(groups_of(ending(image, layers.Add(name="add")([x, parts])))) == ["both", "both#2"]


def test_a_depthwise_filter_goes_with_the_channel_it_reads(image):
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(conv(image, 4, "a"))
    model = ending(image, x)
    (group,) = unit_groups(model)
    assert group.channels([1]) == {"a": [1], "depthwise": [2, 3]}


def test_a_channel_vector_goes_with_the_map_it_multiplies(image):
    x = conv(image, 4, "a")
    gate = conv(layers.GlobalAveragePooling2D(keepdims=True)(x), 4, "gate", activation="sigmoid")
    assert groups_of(ending(image, layers.Multiply()([x, gate]))) == {"a": (["a", "gate"], 4, None)}


def test_groups_of_a_convolution_stay_equal(image):
    x = layers.Conv2D(9, 1, groups=3, name="grouped")(conv(image, 6, "a"))
    groups = {group.name: group for group in unit_groups(ending(image, x))}
    assert groups["a"].channels([1]) == {"a": [1, 3, 5]}
    assert groups["grouped"].channels([0, 2]) == {"grouped": [0, 2, 3, 5, 6, 8]}


def test_a_convolution_with_one_channel_a_group_is_depthwise(image):
    x = layers.Conv2D(6, 1, groups=3, name="each")(conv(image, 3, "a"))
    (group,) = unit_groups(ending(image, x))
    assert group.channels([2]) == {"a": [2], "each": [4, 5]}


def test_calls_of_a_shared_layer_agree(image):
    layer = layers.Conv2D(3, 1, name="twice")
    assert groups_of(ending(image, layer(layer(image)))) == {
        "twice": (["twice", "twice:2"], 3, "it is an input of the network")
    }


def test_nodes_that_are_reshaped_into_a_map_go_by_channel():
    vector = keras.Input((5,))
    x = layers.Reshape((2, 2, 3))(layers.Dense(12, name="dense")(vector))
    groups = {group.name: group for group in unit_groups(ending(vector, conv(x, 2, "conv")))}
    assert groups["dense"].channels([1]) == {"dense": [1, 4, 7, 10]}


class Custom(layers.Layer):
    def call(self, inputs):
        return inputs * 2


STAYS = {
    "LayerNormalization": (lambda x: layers.LayerNormalization(name="odd")(x), "normalizes over units"),
    "GroupNormalization": (lambda x: layers.GroupNormalization(2, name="odd")(x), "normalizes over units"),
    "Softmax": (lambda x: layers.Softmax(name="odd")(x), "works along another axis or over units"),
    "Activation": (lambda x: layers.Activation("softmax", name="odd")(x), "an activation over units"),
    "Custom": (lambda x: Custom(name="odd")(x), "no layer that surgery knows"),
    "Permute": (lambda x: layers.Permute((3, 1, 2), name="odd")(x), "no layer that surgery knows"),
    "BatchNormalization": (lambda x: layers.BatchNormalization(axis=1, name="odd")(x), "along another axis"),
    "Rescaling": (lambda x: layers.Rescaling([1.0, 2.0, 3.0, 4.0], name="odd")(x), "an array among its arguments"),
}


@pytest.mark.parametrize("kind", STAYS)
def test_a_layer_that_cannot_be_handled_is_named_and_its_units_stay(kind, image, message_of):
    layer, why = STAYS[kind]
    x = conv(layer(conv(conv(image, 3, "free"), 4, "before")), 5, "after")
    model = ending(image, x)
    reasons = {name: reason for name, (_, _, reason) in groups_of(model).items()}
    assert reasons["free"] is reasons["after"] is None
    assert why in reasons["before"]
    assert f"odd ({kind})" in reasons["before"]
    assert message_of(plan_removal, model, {"before": [1]}).startswith("Unit 1 of 'before' cannot be removed: odd (")


def test_batch_norm_with_statistics_of_the_batch_stays(image):
    x = layers.BatchNormalization(name="norm")(conv(image, 4, "a"), training=True)
    (group,) = unit_groups(ending(image, x))
    assert "training=True" in group.reason


def test_a_constant_at_a_border_stays_but_not_before_a_pointwise_convolution(image):
    def network(size):
        x = conv(image, 4, "a")
        y = conv(layers.Activation("sigmoid", name="sigmoid")(x), 4, "reader", size)
        return ending(image, layers.Add()([x, y]))

    group = unit_groups(network(3))[0]
    assert group.reason == "a layer before reader (Conv2D) turns the zero of a silent unit into something else"
    assert unit_groups(network(1))[0].removable


def test_what_one_unit_gives_to_all_others_stays(image):
    x = conv(image, 4, "map")
    mask = conv(image, 1, "mask", activation="sigmoid")
    reasons = {name: reason for name, (_, _, reason) in groups_of(ending(image, layers.Multiply()([x, mask]))).items()}
    assert reasons["map"] is None
    assert "spreads it over other units" in reasons["mask"]


def test_a_unit_of_a_group_is_not_removable_alone(residual, message_of):
    message = message_of(plan_removal, residual, {"b": [1, 3]})
    assert message.startswith("What was chosen of 'b' is not removable alone: a [1, 3] must go with it.")


def test_adds_and_concatenations_follow_of_themselves(residual):
    assert plan_removal(residual, {"a": [1], "b": [1]}).removed == {"a": [1], "b": [1], "add": [1]}


@pytest.mark.parametrize("beta", ["zeros", "ones"])
def test_a_concatenation_that_makes_something_of_zeros_must_be_named(image, beta, message_of):
    x = conv(image, 4, "a")
    bent = layers.BatchNormalization(beta_initializer=beta)(x)
    model = ending(image, layers.Concatenate(name="cat")([bent, x]))
    if beta == "zeros":
        assert plan_removal(model, {"a": [1]}).removed == {"a": [1], "cat": [1, 5]}
    else:
        assert "cat [1, 5] must go with it" in message_of(plan_removal, model, {"a": [1]})


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ({"nowhere": [0]}, "Model 'net' has no units to remove at 'nowhere'. It has some at: a, inner, b, add."),
        ({"inner": [3]}, "inner has units 0 to 2; there is no 3."),
        ({"inner": [-1]}, "inner has units 0 to 2; there is no -1."),
        ({"inner": [0.5]}, "The units of 'inner' must be a list of numbers, such as [0, 3]; received float64"),
        ({"inner": np.ones(3, bool)}, "The units of 'inner' must be a list of numbers"),
        ({"inner": [0, 1, 2]}, "Nothing would be left of 'inner': keep one of its 3 units."),
    ],
)
def test_bad_choices_are_one_line_each(residual, removed, message, message_of):
    assert message_of(plan_removal, residual, removed).startswith(message)


def test_what_the_network_puts_out_stays_and_what_meets_it_too(image):
    x = conv(image, 4, "a")
    model = keras.Model(image, layers.Add(name="add")([layers.ReLU()(x), conv(x, 4, "inner")]))
    assert groups_of(model) == {"a": (["a", "inner"], 4, "it is an output of the network")}


def test_a_merge_without_a_cut_keeps_what_is_spread_over_constants(image):
    x = conv(image, 4, "map")
    bent = layers.BatchNormalization(beta_initializer="ones", name="bent")(x)
    mask = conv(image, 1, "mask", activation="sigmoid")
    product = layers.Multiply(name="product")([bent, mask])
    model = ending(image, layers.Concatenate()([product, x]))
    assert "product makes different values" in unit_groups(model)[0].reason
