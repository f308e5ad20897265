"""The conservation law: sqrt(H W) d of every convolution, and how far from constant it is."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.errors import CannotCut, InvalidInput
from fm_keras.models import ModelSpec, build_model
from fm_keras.scaling import conservation_table, law_deviation


def test_lenet5_has_168_and_160():
    table = conservation_table(build_model(ModelSpec(name="lenet5")))

    assert list(table) == ["layer", "size", "filters", "product", "deviation"]
    assert table["layer"].tolist() == ["conv1", "conv2"]
    assert table["size"].tolist() == ["28 x 28", "10 x 10"]
    assert table["product"].tolist() == [168, 160]
    np.testing.assert_allclose(table["deviation"], [4 / 164, -4 / 164])
    assert law_deviation(table) == pytest.approx(4 / 164)


def test_vgg16_keeps_the_law_but_in_its_last_block_which_has_half():
    table = conservation_table(build_model(ModelSpec(width=4)))

    assert table["product"].tolist() == [128] * 10 + [64] * 3
    assert table["deviation"].tolist() == [0] * 10 + [-0.5] * 3
    assert law_deviation(table) == pytest.approx((3 / 13 * 0.25) ** 0.5)


@pytest.mark.parametrize("name", ["vgg11", "resnet20"])
def test_networks_that_double_their_filters_wherever_they_halve_the_map_keep_the_law(name):
    assert law_deviation(conservation_table(build_model(ModelSpec(name=name, width=3)))) == 0


def test_the_law_does_not_see_a_factor_on_all_widths():
    narrow, wide = (conservation_table(build_model(ModelSpec(name="avgg6", width=width))) for width in (2, 6))

    np.testing.assert_allclose(narrow["deviation"], wide["deviation"])
    np.testing.assert_allclose(3 * narrow["product"], wide["product"])


def test_kinds_of_convolutions_in_nested_models_count_by_what_they_put_out():
    inner_input = keras.Input((8, 18, 4))
    inner = keras.Sequential(
        [inner_input, layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), layers.SeparableConv2D(6, 3)],
        name="block",
    )
    image = keras.Input((8, 18, 4))
    x = layers.Conv2DTranspose(5, 2, strides=2, name="up")(inner(image))
    table = conservation_table(keras.Model(image, x))

    assert table["size"].tolist() == ["8 x 18", "6 x 16", "12 x 32"]
    assert table["filters"].tolist() == [8, 6, 5]
    np.testing.assert_allclose(table["product"], [12 * 8, 96**0.5 * 6, 384**0.5 * 5])
    assert table["layer"][2] == "up"
    assert table["layer"][0].startswith("block/")


def test_channels_first_has_the_same_map():
    image = keras.Input((3, 8, 8))
    table = conservation_table(keras.Model(image, layers.Conv2D(5, 3, data_format="channels_first")(image)))

    assert (table["size"][0], table["filters"][0]) == ("6 x 6", 5)


def test_a_convolution_of_a_single_position_is_a_dense_layer():
    image = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, name="conv")(image)
    gate = layers.Conv2D(4, 1, name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    table = conservation_table(keras.Model(image, layers.Multiply()([x, gate])))

    assert table["layer"].tolist() == ["conv"]


def test_what_the_law_is_not_about_is_refused_in_one_line(message_of):
    dense = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="flat")
    any_size = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 3, name="stem")])

    assert message_of(conservation_table, dense).startswith("Model 'flat' has no 2-D convolution on a map")
    assert "Layer 'stem' has a map without a fixed size" in message_of(conservation_table, any_size)
    with pytest.raises(CannotCut):
        conservation_table(keras.Sequential([layers.Conv2D(3, 3)]))


def test_refusals_are_invalid_input():
    with pytest.raises(InvalidInput):
        conservation_table(keras.Sequential([keras.Input((4,)), layers.Dense(3)]))
