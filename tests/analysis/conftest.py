import keras
import numpy as np
import pytest

from fm_keras.data import Dataset, Split


@pytest.fixture
def blobs(rng) -> Dataset:
    """Four labels of unequal numbers: 6 x 6 images of two channels, each label bright in a corner of its own."""
    labels = np.concatenate([np.full(count, label) for label, count in enumerate((40, 30, 20, 10))])
    images = rng.normal(0, 0.3, (100, 6, 6, 2)).astype(np.float32)
    for image, label in zip(images, labels):
        row, column = divmod(label, 2)
        image[3 * row : 3 * row + 3, 3 * column : 3 * column + 3] += 1
    order = rng.permutation(100)
    train, test = order[:60], order[60:]
    return Dataset(
        "blobs", Split(images[train], labels[train]), Split(images[test], labels[test]), ("a", "b", "NA", "<d>")
    )


@pytest.fixture
def network() -> keras.Model:
    """A nested network: block/conv and its pool, then a Dense layer, then three outputs that fit no labels."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    block = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(5, 3, padding="same", name="conv"),
            layers.ReLU(),
            layers.MaxPooling2D(),
        ],
        name="block",
    )
    image = keras.Input((6, 6, 2))
    x = layers.Flatten()(block(image))
    x = layers.Dense(7, activation="relu", name="hidden")(x)
    return keras.Model(image, layers.Dense(3, name="out")(x), name="network")
