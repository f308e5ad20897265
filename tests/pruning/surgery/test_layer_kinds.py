"""The table of layers names what Keras has, and tells which weights belong to units."""

import re

import keras
import pytest
from keras import layers, ops

from fm_keras.models.graph import walk
from fm_keras.pruning.surgery.layer_kinds import KIND_OF_LAYER, KIND_OF_OPERATION, kind_of


def function_name(operation):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()


@pytest.mark.parametrize("name", KIND_OF_LAYER)
def test_every_layer_in_the_table_is_one_of_keras(name):
    assert issubclass(getattr(layers, name), keras.Layer)


@pytest.mark.parametrize("name", KIND_OF_OPERATION)
def test_every_operation_in_the_table_is_one_of_keras(name):
    assert hasattr(ops, function_name(name))


@pytest.mark.parametrize(
    ("layer", "flow"),
    [
        (layers.Conv2D(4, 1), "mix"),
        (layers.Conv2D(4, 1, groups=2), "grouped"),
        (layers.Conv2D(8, 1, groups=4), "depthwise"),
        (layers.DepthwiseConv2D(1), "depthwise"),
        (layers.SeparableConv2D(4, 1), "mix"),
        (layers.ReLU(), "pass"),
        (layers.Flatten(), "reshape"),
        (lambda x: x + 1.0, "merge"),
        (lambda x: ops.gelu(x), "pass"),
        (lambda x: ops.softmax(x, axis=1), "pass"),
    ],
)
def test_how_units_run_through_a_layer(layer, flow):
    image = keras.Input((4, 4, 4))
    (call,) = walk(keras.Model(image, layer(image))).calls
    assert kind_of(call).flow == flow


def test_weights_are_named_as_keras_names_them():
    image = keras.Input((4, 4, 4))
    for layer in (layers.Conv2DTranspose(3, 1), layers.SeparableConv2D(3, 1), layers.BatchNormalization()):
        (call,) = walk(keras.Model(image, layer(image))).calls
        assert set(kind_of(call).weights) == {weight.name for weight in layer.weights}


class Dense(layers.Dense):
    """Somebody's own layer of the same name."""


def test_a_layer_of_ones_own_is_not_taken_for_that_of_keras():
    vector = keras.Input((4,))
    (call,) = walk(keras.Model(vector, Dense(3, name="own")(vector))).calls
    assert kind_of(call) == "own (Dense) is no layer that surgery knows"


def test_an_operation_is_not_taken_for_the_layer_of_the_same_name():
    image = keras.Input((4, 4, 4))
    (call,) = walk(keras.Model(image, ops.average(image, axis=1))).calls
    assert kind_of(call) == "average (Average) is no layer that surgery knows"
