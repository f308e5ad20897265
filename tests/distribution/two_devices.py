"""What the programs of these tests share: virtual devices, made before Keras looks for any, images, a network."""

import sys

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    virtual = [tf.config.LogicalDeviceConfiguration()] * 3
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], virtual)

from fm_keras.data import Dataset, Split
from fm_keras.errors import InvalidInput


def stripes(train: int, test: int = 45) -> Dataset:
    """Three labels of 8 x 8 gray images, told apart by where they are bright."""
    rng = np.random.default_rng(0)
    labels = np.arange(train + test) % 3
    images = rng.integers(0, 160, (train + test, 8, 8, 1))
    for number, label in enumerate(labels):
        images[number, :, 2 * label : 2 * label + 3] += 60
    images = images.astype(np.uint8)
    parts = (Split(images[:train], labels[:train]), Split(images[train:], labels[train:]))
    return Dataset("stripes", *parts, ("left", "mid", "right"))


def network() -> keras.Model:
    """Convolution, BatchNorm, pool, and logits of three labels; the same weights each time."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    image = x = keras.Input((8, 8, 1))
    x = layers.Rescaling(1 / 127.5, -1)(x)
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.5, name="norm")(x))
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    return keras.Model(image, layers.Dense(3, name="predictions")(x))


def distance(one, other) -> float:
    """Largest difference between arrays, or columns of tables, relative to the largest number of each."""
    one, other = ([np.nan_to_num(each, posinf=-1, neginf=-1) for each in arrays] for arrays in (one, other))
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-9)) for a, b in zip(one, other, strict=True))


def message_of(call) -> str:
    """The message of our own error that a call ends in."""
    try:
        call()
    except InvalidInput as error:
        return str(error)
    sys.exit("nothing was refused")
