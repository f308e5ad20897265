import keras
import numpy as np
import pytest

from fm_keras.data import Dataset, Split


@pytest.fixture
def stripes(rng) -> Dataset:
    """Three labels of 8 x 8 grey images, told apart by where they are bright."""
    labels = np.arange(90) % 3
    images = rng.integers(0, 60, (90, 8, 8, 1))
    for number, label in enumerate(labels):
        images[number, :, 2 * label : 2 * label + 3] += 150
    images = images.astype(np.uint8)
    return Dataset(
        "stripes", Split(images[:60], labels[:60]), Split(images[60:], labels[60:]), ("left", "mid", "right")
    )


@pytest.fixture
def small_model():
    """Builds the same small network each time: convolution, BatchNorm, dropout, logits of three labels."""

    def build() -> keras.Model:
        keras.utils.set_random_seed(1)
        layers = keras.layers
        image = x = keras.Input((8, 8, 1), name="image")
        x = layers.Rescaling(1 / 127.5, -1)(x)
        x = layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
        x = layers.BatchNormalization(momentum=0.5)(x)
        x = layers.ReLU()(x)
        x = layers.Flatten()(x)
        x = layers.Dropout(0.2)(x)
        return keras.Model(image, layers.Dense(3, name="predictions")(x), name="small")

    return build
