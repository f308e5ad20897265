"""Copies take over weights of nested and shared layers."""

import keras
import numpy as np
from keras import layers

from fm_keras.callbacks.following import Follower
from fm_keras.slicing import cut_points
from fm_keras.slicing.slices import frozen_body


def test_a_copy_puts_out_what_the_changed_model_does(rng):
    inner_in = keras.Input((4, 4, 2))
    inner = keras.Model(inner_in, layers.Conv2D(2, 3, padding="same", name="conv")(inner_in), name="block")
    shared = layers.Dense(3, activation="tanh", name="shared")
    image = keras.Input((4, 4, 2))
    once = layers.Flatten()(layers.BatchNormalization(name="norm")(inner(image)))
    twice = shared(shared(layers.Dense(3, name="to_three")(once)))
    model = keras.Model(image, layers.Dense(2, name="out")(twice))
    cuts = cut_points(model, layers=["block/conv", "shared:2"])
    body = frozen_body(model, cuts)
    follower = Follower(model, body)
    model.set_weights([rng.normal(size=weights.shape) ** 2 for weights in model.get_weights()])

    follower.take_weights()

    images = rng.normal(size=(5, 4, 4, 2)).astype("float32")
    literal = keras.Model(model.input, [model.get_layer("norm").output, twice])
    for found, expected in zip(body.predict(images, verbose=0), literal.predict(images, verbose=0)):
        np.testing.assert_array_equal(found, expected)


def test_the_copy_stays_as_it_is_until_it_takes_weights_again(rng):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="hidden"), layers.Dense(2)])
    body = frozen_body(model, cut_points(model))
    before = body.get_weights()

    Follower(model, body)
    model.set_weights([weights + 1 for weights in model.get_weights()])

    np.testing.assert_array_equal(body.get_weights()[0], before[0])
