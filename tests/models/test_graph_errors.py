"""Layers that cannot be made again."""

import keras
import numpy as np
from keras import layers

from fm_keras.models.graph import rebuild, walk


class Forgetful(layers.Layer):
    """Takes an argument that its config leaves out."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return super().get_config()


def test_a_layer_that_cannot_be_made_from_its_config_is_named(message_of):
    x = keras.Input((3,))
    layer = Forgetful(2.0, name="odd")
    model = keras.Model(x, layer(x))
    graph = walk(model)
    assert message_of(rebuild, model, graph, list(graph.outputs)) == (
        "Layer 'odd' (Forgetful) cannot be copied from its config: "
        "Forgetful.__init__() missing 1 required positional argument: 'factor'. "
        "Its get_config() must return exactly what its __init__ takes."
    )


class Talkative(layers.Layer):
    """Puts what it has worked out into its config as well, as layers of KerasHub do."""

    def __init__(self, sides, **options):
        super().__init__(**options)
        self.sides, self.area = sides, sides**2

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.area))

    def call(self, x):
        return x @ self.kernel

    def get_config(self):
        return {**super().get_config(), "sides": self.sides, "area": self.area}


def test_a_layer_whose_config_holds_more_than_it_takes_is_copied():
    x = keras.Input((3,))
    model = keras.Model(x, Talkative(2, name="wide")(x))
    graph = walk(model)
    copy = rebuild(model, graph, list(graph.outputs))
    np.testing.assert_array_equal(copy.layers[-1].kernel, model.layers[-1].kernel)


class Plain(layers.Layer):
    """As tutorials write it: no name, no **options, no get_config."""

    def __init__(self, factor):
        super().__init__(dtype="float16")
        self.factor = factor

    def call(self, x):
        return self.factor * x


def test_a_layer_that_takes_neither_name_nor_options_is_copied():
    x = keras.Input((3,), dtype="float16")
    model = keras.Model(x, Plain(2.0)(x))
    graph = walk(model)
    copy = rebuild(model, graph, list(graph.outputs)).layers[-1]
    assert (copy.name, copy.factor, copy.dtype_policy.name) == (model.layers[-1].name, 2.0, "float16")
