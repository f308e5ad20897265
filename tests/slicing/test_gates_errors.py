"""What has no contributions is refused in one line: no gradient, labels that do not fit, numbers that are none."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.slicing import unit_contributions

X = np.ones((3, 4), "float32")


def hidden_and(behind=None):
    """Dense "hidden", something behind it, and Dense "out"."""
    x = keras.Input((4,))
    y = layers.Dense(3, "relu", name="hidden", kernel_initializer="ones")(x)
    return keras.Model(x, layers.Dense(2, name="out")(y if behind is None else behind(y)), name="small")


@pytest.mark.parametrize("behind", [ops.round, ops.stop_gradient])
def test_what_stops_gradients_is_refused_with_the_layer(behind, message_of):
    message = message_of(unit_contributions, hidden_and(behind), X)
    assert message.startswith("No gradient reaches layer 'hidden' from the logits, though they depend on it: ")


def test_a_dead_layer_is_no_missing_gradient():
    _, contributions = unit_contributions(hidden_and(), -X)
    assert not contributions["hidden"].any()


def test_an_unknown_layer_is_named_beside_those_there_are(message_of):
    message = message_of(partial(unit_contributions, layers=["conv9"]), hidden_and(), X)
    assert message == "Model 'small' has no layer 'conv9'. It can be cut at: hidden."


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        ([0, 1, 2], "received int64 of shape (3,), 0 to 2."),
        ([0, -1, 1], "received int64 of shape (3,), -1 to 1."),
        ([0.0, 1.0, 1.0], "received float64 of shape (3,), 0.0 to 1.0."),
        ([0, 1], "received int64 of shape (2,), 0 to 1."),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, received, message_of):
    message = message_of(partial(unit_contributions, labels=np.array(labels)), hidden_and(), X)
    assert message.startswith("labels must be whole numbers from 0 to 1, one for each image, ")
    assert message.endswith(received)


def test_broken_weights_are_reported_with_the_layer_and_its_units(message_of):
    x = keras.Input((4,))  # no ReLU: TensorFlow's turns NaN to 0 on some CPUs
    model = keras.Model(x, layers.Dense(2)(layers.Dense(3, use_bias=False, name="hidden")(x)))
    kernel = np.ones((4, 3))
    kernel[0, 1] = np.nan
    model.get_layer("hidden").set_weights([kernel])
    assert message_of(unit_contributions, model, X) == (
        "Layer 'hidden': the contributions of 1 of 3 units to the logits are NaN or infinite. "
        "Look for diverged weights or images that are not finite."
    )


def test_a_broken_last_bias_is_found_though_no_unit_contributes_it(message_of):
    model = hidden_and()
    model.get_layer("out").bias.assign([np.nan, 0])
    assert message_of(unit_contributions, model, X) == (
        "The logits of 3 of 3 images are NaN or infinite. Look for diverged weights or images that are not finite."
    )


def test_contributions_that_overflow_are_reported_with_their_layer(message_of):
    model = hidden_and(lambda y: ops.sqrt(y - y))  # 0, with an infinite slope
    message = message_of(unit_contributions, model, X)
    assert message.startswith("Layer 'hidden': the contributions of 3 of 3 units to the logits are NaN or infinite.")
