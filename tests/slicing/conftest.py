"""A small network with every kind of chain, few images, and what the user's model must look like afterwards."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.data import Dataset, Split

LABELS = ("a", "b", "c")


@pytest.fixture
def network(rng):
    """Two convolutions, a residual add and a hidden Dense layer on 8 x 8 images, away from its first weights."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Conv2D(4, 3, padding="same", name="conv1")(x)
    x = layers.BatchNormalization(name="bn1")(x)
    x = layers.ReLU(name="relu1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    y = layers.Conv2D(4, 3, padding="same", name="conv2")(x)
    x = layers.Activation("relu", name="relu2")(layers.Add(name="add")([x, y]))
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.5, name="drop")(layers.Dense(6, activation="relu", name="hidden")(x))
    model = keras.Model(image, layers.Dense(3, name="predictions")(x), name="small")
    model.set_weights([rng.uniform(0.2, 1.2, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    return model


@pytest.fixture
def activations():
    """Reads the user's own model at a layer: (N, *P, U)."""

    def read(model, layer, images):
        return keras.Model(model.input, model.get_layer(layer).output).predict(images, verbose=0, batch_size=16)

    return read


@pytest.fixture
def dataset(rng):
    """43 + 37 unbalanced images whose brightness tells the label a little."""

    def split(count):
        labels = np.sort(rng.choice(3, count, p=[0.6, 0.3, 0.1]))
        labels[:3] = range(3)
        return Split(
            rng.integers(0, 150, (count, 8, 8, 3), dtype=np.uint8)
            + np.uint8(40) * labels[:, None, None, None].astype(np.uint8),
            labels,
        )

    return Dataset("small", split(43), split(37), LABELS)
