"""Layers that cannot be made again."""

import keras
import pytest
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


class Nameless(layers.Layer):
    """Takes less than its config holds, and has no config of its own."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Forgetful(2.0), "__init__() missing 1 required positional argument: 'factor'"),
        (Nameless(2.0), "__init__() got an unexpected keyword argument 'trainable'"),
    ],
)
def test_a_layer_that_cannot_be_made_from_its_config_is_named(layer, reason, message_of):
    x = keras.Input((3,))
    layer.name = "odd"
    model = keras.Model(x, layer(x))
    graph = walk(model)
    kind = type(layer).__name__
    assert message_of(rebuild, model, graph, list(graph.outputs)) == (
        f"Layer 'odd' ({kind}) cannot be copied from its config: {kind}.{reason}. "
        "Its get_config() must return exactly what its __init__ takes."
    )
