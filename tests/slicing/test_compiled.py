"""Functions that the backend compiles: the same as without, for any number of images, and none too many for XLA."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.slicing.compiled import compiled


class Refusing(layers.Layer):
    """A layer that XLA cannot compile, as it says itself."""

    def __init__(self):
        super().__init__()
        self.supports_jit = False

    def call(self, inputs):
        return inputs


@pytest.fixture(params=["plain", "refusing XLA"])
def model(request):
    """A Dense layer, alone or behind a layer that XLA cannot compile."""
    keras.utils.set_random_seed(0)
    first = [Refusing()] if request.param == "refusing XLA" else []
    return keras.Sequential([keras.Input((4,)), *first, layers.Dense(3, activation="tanh")])


def test_structures_of_any_length_are_computed_as_without_it(model, rng):
    def both(inputs, weights):
        return {"sum": ops.sum(model(inputs["x"]) * weights, axis=0), "count": ops.shape(weights)[0]}

    function = compiled(both, model)
    for count in (1, 5, 2):
        x, weights = rng.normal(size=(count, 4)).astype("float32"), rng.random((count, 1)).astype("float32")
        found = keras.tree.map_structure(ops.convert_to_numpy, function({"x": x}, weights))
        np.testing.assert_allclose(found["sum"], (ops.convert_to_numpy(model(x)) * weights).sum(axis=0), rtol=1e-5)
        assert found["count"] == count


def test_weights_may_change_between_calls(model, rng):
    function, x = compiled(model, model), rng.normal(size=(2, 4)).astype("float32")
    before = ops.convert_to_numpy(function(x))
    model.set_weights([weights / 2 for weights in model.get_weights()])
    after = ops.convert_to_numpy(function(x))
    np.testing.assert_allclose(after, np.tanh(np.arctanh(before) / 2), rtol=1e-4)
