"""A small network with dropout and BatchNorm, images that it learns in a few epochs, and a `fit` to repeat."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.data import Dataset, Split


@pytest.fixture
def stripes(rng):
    """Three labels of 8 x 8 gray images, told apart by where they are bright."""
    labels = rng.permutation(np.arange(120) % 3)
    images = rng.integers(0, 120, (120, 8, 8, 1))
    for image, label in zip(images, labels):
        image[:, 2 * label : 2 * label + 3] += 100
    images = images.astype(np.uint8)
    splits = Split(images[:80], labels[:80]), Split(images[80:], labels[80:])
    return Dataset("stripes", *splits, ("left", "mid", "right"))


@pytest.fixture
def build():
    """Makes the same network every time."""

    def make() -> keras.Model:
        keras.utils.set_random_seed(3)
        block_in = x = keras.Input((8, 8, 4), name="block_in")
        x = layers.Conv2D(6, 3, name="conv")(x)
        x = layers.ReLU(name="relu")(layers.BatchNormalization(momentum=0.5, name="norm")(x))
        block = keras.Model(block_in, x, name="block")
        image = x = keras.Input((8, 8, 1), name="image")
        x = layers.Rescaling(1 / 127.5, -1, name="scale")(x)
        x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(x)
        x = layers.Flatten(name="flat")(block(x))
        x = layers.Dropout(0.3, seed=1, name="drop")(x)
        x = layers.Dense(8, activation="relu", name="hidden")(x)
        x = layers.Dropout(0.2, seed=2, name="drop_more")(x)
        return keras.Model(image, layers.Dense(3, name="predictions")(x), name="small")

    return make


@pytest.fixture
def fit(build, stripes):
    """Compiles and trains the same network in the same way with some callbacks; the network, and what `fit` returns."""

    def run(*callbacks, epochs=2, model=None, **options):
        model = model or build()
        if not model.compiled:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.SGD(0.02, 0.9), loss, metrics=["accuracy"])
        history = model.fit(
            stripes.train.images,
            stripes.train.labels,
            batch_size=16,
            epochs=epochs,
            shuffle=True,
            validation_data=(stripes.test.images, stripes.test.labels),
            callbacks=list(callbacks),
            verbose=0,
            **options,
        )
        return model, history.history

    return run


@pytest.fixture
def follow(build):
    """Lets a callback see epochs in which weights change, without the cost of a training; what it put into the logs."""

    def run(callback, epochs=2, *, first=0, model=None):
        model, logs = model or build(), []
        callback.set_model(model)
        callback.on_train_begin()
        for epoch in range(first, epochs):
            rng = np.random.default_rng(epoch)
            model.set_weights([weights + 0.02 * rng.normal(size=weights.shape) for weights in model.get_weights()])
            logs.append({})
            callback.on_epoch_end(epoch, logs[-1])
        callback.on_train_end()
        return model, logs

    return run
