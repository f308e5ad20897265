"""Models that cannot be measured: each says why, and what would do."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.analysis import analyze

IMAGE = (6, 6, 2)
POOL = layers.GlobalAveragePooling2D


class Whole(keras.Model):
    """A subclassed classifier."""

    def __init__(self):
        super().__init__(name="whole")
        self.conv, self.head = layers.Conv2D(4, 3, name="conv"), layers.Dense(3)

    def call(self, x):
        return self.head(ops.mean(self.conv(x), axis=(1, 2)))


def subclassed():
    model = Whole()
    model(np.ones((1, *IMAGE), "float32"))
    return model


class AnySize(keras.Model):
    """Subclassed, but made through the functional constructor, for images of any size."""

    def __init__(self):
        image = keras.Input((None, None, 2))
        super().__init__(image, layers.Dense(3)(POOL()(layers.Conv2D(4, 3)(image))), name="any_size")


def two_inputs():
    left, right = keras.Input(IMAGE, name="left"), keras.Input(IMAGE, name="right")
    pair = layers.Conv2D(4, 3)(layers.Concatenate()([left, right]))
    return keras.Model([left, right], layers.Dense(3)(POOL()(pair)), name="pairs")


SUBCLASSED = (
    "Model 'whole' cannot be cut: it is subclassed, so Keras keeps no graph of its layers. If its call() is made of "
    "layers and keras.ops, cut its functional equivalent: x = keras.Input(shape); keras.Model(x, model.call(x))."
)


@pytest.mark.parametrize(
    ("build", "how", "message"),
    [
        (subclassed, {}, SUBCLASSED),
        (
            lambda: keras.Sequential([layers.Dense(3)], name="late"),
            {},
            "Model 'late' cannot be cut: it is not built: call model.build(input_shape) first.",
        ),
        (
            AnySize,
            {},
            "Model 'any_size' cannot be cut: before its output it has no layer with units on a map of known size. "
            "Call it on images of one size: keras.Sequential([keras.Input(image_shape), model]).",
        ),
        (
            lambda: keras.Sequential(
                [keras.Input(IMAGE), layers.Conv2D(4, 3), POOL(), layers.Dense(3, "sigmoid", name="out")], name="multi"
            ),
            {"fields": "network"},
            "Model 'multi' ends in sigmoid (layer 'out'). Logits were looked for: a linear output (N, K), or a softmax "
            "of it. Fields of probes (fields='probe') need no logits.",
        ),
        (
            two_inputs,
            {},
            "Model 'pairs' has the inputs left, right, but arrays has one array. Give a dict of arrays by these names.",
        ),
    ],
)
def test_what_cannot_be_measured_says_why(build, how, message, message_of, rng):
    images = (rng.normal(size=(24, *IMAGE)), np.arange(24) % 3)
    assert message_of(lambda: analyze(build(), images, **how)) == message


def test_the_functional_equivalent_of_a_subclassed_model_can_be_measured(rng):
    model, x = Whole(), keras.Input(IMAGE)
    images = rng.normal(size=(24, *IMAGE)).astype("float32")
    model(images)
    analysis = analyze(keras.Model(x, model.call(x)), (images, np.arange(24) % 3), fields="network")
    assert list(analysis.layers()["layer"]) == ["conv"]
