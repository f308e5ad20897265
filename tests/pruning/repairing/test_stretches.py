"""Stretches of calls cover a model and hand on all that is read behind them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.models.graph import walk
from fm_keras.pruning.repairing.held import HeldModel
from fm_keras.pruning.repairing.stretches import StretchModel, find_stretches


@pytest.fixture
def branched() -> keras.Model:
    """Four kernels; a residual add, BatchNorm with statistics of its own, dropout, a layer called twice."""
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 2), name="image")
    x = layers.ReLU(name="relu")(layers.Conv2D(4, 3, padding="same", name="first")(image))
    y = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, padding="same", name="second")(x))
    y = layers.Dropout(0.5, name="dropout")(layers.Conv2D(4, 1, name="third")(y))
    x = layers.Flatten(name="flatten")(layers.Add(name="add")([x, y]))
    twice = layers.Dense(144, name="twice")
    model = keras.Model(image, layers.Dense(3, name="out")(twice(twice(x))))
    model.get_layer("bn").moving_mean.assign([1.0, -1.0, 0.5, 0.0])
    model.trainable = False
    return model


@pytest.mark.parametrize(
    ("kernels", "bounds"),
    [
        (2, [("first", "third"), ("second", "out"), ("third", None)]),
        (3, [("first", "out"), ("second", None)]),
        (9, [("first", None)]),
        (1, []),
    ],
)
def test_each_begins_at_a_kernel_and_ends_before_another(branched, kernels, bounds):
    graph = walk(branched)
    paths = [call.path for call in graph.calls] + [None]
    found = find_stretches(graph, kernels)
    assert [(paths[each.start], paths[each.end]) for each in found] == bounds
    assert all(each.calls == graph.calls[each.start : each.end] for each in found)


def test_all_that_is_read_behind_is_made_and_no_more(branched):
    graph = walk(branched)
    out = {call.path: call.outputs[0] for call in graph.calls}
    first, second, third = find_stretches(graph, 2)
    assert (first.reads, first.makes) == (graph.inputs, (out["relu"], out["bn"]))
    assert (second.reads, set(second.makes)) == ((out["relu"],), {out["twice:2"]})
    assert (third.reads, third.makes) == ((out["bn"], out["relu"]), graph.outputs)


def test_a_single_kernel_makes_no_stretch():
    image = keras.Input((4,))
    assert find_stretches(walk(keras.Model(image, layers.Dense(2)(image))), 3) == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stretch_makes_what_the_model_does_even_while_it_is_trained(number, branched, rng):
    held = HeldModel(branched, [rng.normal(size=(5, 6, 6, 2)).astype("float32")], batch_size=5)
    for call in held.graph.calls:
        held.run(call)
    stretch = find_stretches(held.graph, 2)[number]
    model = StretchModel(held.graph, stretch)
    given, expected = ([held.tensors[key] for key in keys] for keys in (stretch.reads, stretch.makes))
    model.compile(keras.optimizers.SGD(0.0), loss=["mse"] * len(expected))
    assert np.max(model.train_on_batch(given, expected)) < 1e-10
    for one, other in zip(model(given), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_copies_are_trained_and_handed_back_and_the_model_is_left_until_then(branched):
    graph = walk(branched)
    (stretch, *_) = find_stretches(graph, 2)
    model = StretchModel(graph, stretch)
    assert sorted(model.copies) == ["bn", "first", "second"]
    assert len(model.trainable_variables) == 6 and not branched.trainable_variables
    before = branched.get_weights()
    for weight in model.trainable_variables:
        weight.assign(ops.ones(weight.shape))
    assert all((one == other).all() for one, other in zip(before, branched.get_weights()))
    model.hand_back()
    assert (ops.convert_to_numpy(branched.get_layer("first").kernel) == 1).all()
    assert (ops.convert_to_numpy(branched.get_layer("bn").gamma) == 1).all()
    assert (ops.convert_to_numpy(branched.get_layer("third").kernel) != 1).any()
