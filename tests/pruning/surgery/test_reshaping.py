"""Units are found again after reshaping: the literal way is to reshape their numbers."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.models.graph import walk
from fm_keras.pruning.surgery.reshaping import reshaped_units


@pytest.fixture
def reshaped():
    def run(layer, shape, axis):
        image = keras.Input(shape)
        (call,) = walk(keras.Model(image, layer(image))).calls
        units = np.arange(10, 10 + shape[axis - 1])
        axis, along, others = reshaped_units(call, units, axis)
        return axis, along.tolist(), others.tolist()

    return run


@pytest.mark.parametrize(
    ("layer", "shape", "axis", "expected"),
    [
        (layers.Flatten(), (2, 2, 3), 3, (1, [10, 11, 12] * 4, [])),
        (layers.Flatten(data_format="channels_first"), (3, 2, 2), 1, (1, [10, 11, 12] * 4, [])),
        (layers.Flatten(), (3, 2, 2), 1, (1, [10] * 4 + [11] * 4 + [12] * 4, [])),
        (layers.Reshape((1, 1, 3)), (3,), 1, (3, [10, 11, 12], [])),
        (layers.Reshape((3, 1, 1)), (3,), 1, (1, [10, 11, 12], [])),
        (layers.Reshape((-1, 3)), (2, 2, 3), 3, (2, [10, 11, 12], [])),
        (layers.Reshape((2, 6)), (2, 2, 3), 3, (2, [10, 11, 12] * 2, [])),
        (layers.Reshape((2, 2)), (4,), 1, (2, [10, 11], [[12, 13]])),
    ],
)
def test_units_are_told_apart_along_one_axis_and_those_that_share_an_entry_are_named(
    reshaped, layer, shape, axis, expected
):
    assert reshaped(layer, shape, axis) == expected
