"""A silent unit's zero is followed by running the layers themselves."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.models.graph import walk
from fm_keras.pruning.surgery.constants import passed_constants


@pytest.fixture
def passed():
    """Values behind a layer on maps of three units, each with one value everywhere."""

    def run(layer, values=(0.0, 1.0, -2.0), shape=(4, 4, 3)):
        image = keras.Input(shape)
        (call,) = walk(keras.Model(image, layer(image))).calls
        (key,) = call.inputs
        return passed_constants(call, {key: (len(shape), np.array(values))}, len(call.output_shapes[0]) - 1)

    return run


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Activation("sigmoid"), [0.5, 0.73105858, 0.11920292]),
        (layers.BatchNormalization(beta_initializer="ones", epsilon=0), [1, 2, -1]),
        (layers.MaxPooling2D(3, padding="same"), [0, 1, -2]),
        (layers.AveragePooling2D(3, padding="same"), [0, 1, -2]),
        (layers.GlobalAveragePooling2D(), [0, 1, -2]),
        (lambda x: x * 3.0, [0, 3, -6]),
        (lambda x: ops.relu6(x), [0, 1, 0]),
    ],
)
def test_a_value_that_stays_the_same_everywhere_is_passed_on(passed, layer, expected):
    np.testing.assert_allclose(passed(layer), expected, rtol=1e-6)


def test_a_border_of_zeros_leaves_zero_alone(passed):
    assert passed(layers.ZeroPadding2D()) is None
    np.testing.assert_array_equal(passed(layers.ZeroPadding2D(), (0.0, 0.0, 0.0)), [0, 0, 0])


def test_nothing_is_known_of_maps_without_a_size(passed):
    assert passed(layers.ReLU(), shape=(None, None, 3)) is None
