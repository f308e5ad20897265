"""VGG and A-VGG: sizes known from the papers, layer names, pools."""

from itertools import pairwise
from math import prod

import keras
import numpy as np
import pytest

from fm_keras.models import ModelSpec, build_model

# Keras' Variable.__array__ has no `copy` argument, which NumPy 2 warns of whenever weights are read.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

VGG_16_CONVS = [f"conv{block}_{i}" for block, number in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, number + 1)]


def kernels(model):
    """Elements of all convolution kernels."""
    return sum(prod(layer.kernel.shape) for layer in model.layers if isinstance(layer, keras.layers.Conv2D))


def convs(model):
    return [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def pools(model):
    """Name, operator and side of every pool."""
    kinds = keras.layers.MaxPooling2D | keras.layers.AveragePooling2D
    return [(each.name, type(each).__name__[:3], each.pool_size[0]) for each in model.layers if isinstance(each, kinds)]


def test_vgg16_of_width_64_has_14_71_million_weights_in_its_convolutions():
    model = build_model(ModelSpec(width=64))
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    by_hand = sum(9 * before * after for before, after in pairwise(widths))
    assert kernels(model) == by_hand == 14_710_464
    batch_norm = 4 * sum(widths[1:])
    assert model.count_params() == by_hand + batch_norm + 512 * 10 + 10


def test_the_three_dense_layers_of_vgg16_are_64_times_the_width():
    model = build_model(ModelSpec(width=2, head="three", labels=7))
    assert [model.get_layer(name).units for name in ("fc1", "fc2", "predictions")] == [128, 128, 7]
    assert {model.get_layer(name).activation for name in ("fc1", "fc2")} == {keras.activations.linear}


def test_layers_are_named_as_people_know_them():
    model = build_model(ModelSpec(width=2))
    assert convs(model) == VGG_16_CONVS
    names = [layer.name for layer in model.layers]
    assert names[:6] == ["image", "scale", "conv1_1", "conv1_1_bn", "conv1_1_relu", "conv1_2"]
    assert names[-6:] == ["conv5_3", "conv5_3_bn", "conv5_3_relu", "pool5", "flatten", "predictions"]


def test_vgg11_is_the_first_ten_convolutions_and_a_dense_layer_without_bias():
    model = build_model(ModelSpec(name="vgg11", width=2))
    assert convs(model) == VGG_16_CONVS[:10]
    assert model.get_layer("pool4").output.shape == (None, 2, 2, 16)
    assert not model.get_layer("predictions").use_bias


@pytest.mark.parametrize(
    ("name", "convolutions", "dense"),
    [("vgg6", 5, 1), ("avgg6", 5, 1), ("avgg8", 5, 3), ("avgg13", 10, 3), ("avgg14", 13, 1), ("avgg16", 13, 3)],
)
def test_the_number_in_a_name_counts_convolutions_and_dense_layers(name, convolutions, dense):
    model = build_model(ModelSpec(name=name, width=2))
    assert len(convs(model)) == convolutions
    assert sum(isinstance(layer, keras.layers.Dense) for layer in model.layers) == dense


def test_vgg_pools_after_every_block():
    expected = [(f"pool{block}", "Max", 2) for block in range(1, 6)]
    assert pools(build_model(ModelSpec(width=2))) == expected
    assert pools(build_model(ModelSpec(name="vgg6", width=2))) == expected


def test_avgg16_has_the_pools_of_the_authors_code_and_keeps_large_maps():
    model = build_model(ModelSpec(name="avgg16", width=2))
    assert pools(model) == [("pool3", "Ave", 4), ("pool5", "Max", 2)]
    assert model.get_layer("conv3_3").output.shape == (None, 32, 32, 8)
    assert model.get_layer("conv5_3").output.shape == (None, 8, 8, 16)
    assert model.get_layer("flatten").output.shape == (None, 4 * 4 * 16)


def test_the_order_of_the_pools_of_an_avgg_matters():
    first = build_model(ModelSpec(name="avgg6", width=2))
    second = build_model(ModelSpec(name="avgg6", width=2, pool_order="max_average"))
    assert pools(second) == [("pool3", "Max", 4), ("pool5", "Ave", 2)]
    second.set_weights(first.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    assert not np.allclose(first(images), second(images), rtol=1e-3)
