"""Subclassed models: refused with what would do, and one call where they stand inside a graph."""

import keras
import numpy as np
from keras import layers, ops

from fm_keras.models.graph import is_graph, rebuild, walk


def output_of(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def paths(model):
    return [call.path for call in walk(model).calls]


class Subclassed(keras.Model):
    def __init__(self, name="mine", **options):
        super().__init__(name=name, **options)
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def test_a_subclassed_model_is_refused_with_what_would_do(message_of):
    model = Subclassed()
    model(np.ones((1, 3), "float32"))
    assert not is_graph(model)
    assert message_of(walk, model) == (
        "Model 'mine' cannot be cut: it is subclassed, so Keras keeps no graph of its layers. If its call() is made of "
        "layers and keras.ops, cut its functional equivalent: x = keras.Input(shape); keras.Model(x, model.call(x))."
    )


def test_of_a_subclassed_model_the_functional_parts_are_named(message_of):
    model = Subclassed()
    model.backbone = keras.Sequential([keras.Input((3,)), layers.Dense(2)], name="backbone")
    model(np.ones((1, 3), "float32"))
    assert message_of(walk, model).endswith("keras.Model(x, model.call(x)), or cut its part 'backbone' alone.")


def test_the_functional_equivalent_of_a_subclassed_model_puts_out_the_same(rng):
    model, values = Subclassed(), rng.normal(size=(4, 3)).astype("float32")
    model(values)
    x = keras.Input((3,))
    equivalent = keras.Model(x, model.call(x))
    assert paths(equivalent) == [model.dense.name]
    np.testing.assert_array_equal(output_of(equivalent, values), output_of(model, values))


def test_an_unbuilt_sequential_model_is_refused_with_what_would_do(message_of):
    message = message_of(walk, keras.Sequential([layers.Dense(2)], name="late"))
    assert message == "Model 'late' cannot be cut: it is not built: call model.build(input_shape) first."


def test_what_is_no_model_is_refused(message_of):
    assert message_of(walk, layers.Dense(2)) == "A Keras model is needed; received Dense."


def test_a_subclassed_model_inside_is_one_call(rng):
    x = keras.Input((3,))
    model = keras.Model(x, layers.ReLU(name="relu")(Subclassed()(x)))
    assert paths(model) == ["mine", "relu"]
    values, graph = rng.normal(size=(4, 3)).astype("float32"), walk(model)
    copy = rebuild(model, graph, list(graph.outputs))
    np.testing.assert_array_equal(output_of(copy, values), output_of(model, values))
