"""What has no contributions is refused in one line: no gradient, labels that do not fit, numbers that are none."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.slicing import GatedModel, unit_contributions

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


@pytest.mark.parametrize(("layer", "broken"), [("hidden", 0), ("out", 1)])
def test_broken_weights_are_found_though_a_relu_may_hide_them(layer, broken, message_of):
    model = hidden_and()
    weights = model.get_layer(layer).get_weights()
    weights[broken].flat[0] = np.nan
    model.get_layer(layer).set_weights(weights)
    assert message_of(unit_contributions, model, X) == (
        f"Layer {layer!r} has weights that are NaN or infinite. Look for a diverged training: a smaller learning rate "
        "may do."
    )


def test_logits_that_overflow_are_reported(message_of):
    model = hidden_and(lambda y: y * 1e38 * 1e38)
    message = message_of(unit_contributions, model, X)
    assert message.endswith("are NaN or infinite. Look for diverged weights or images that are not finite.")


def test_broken_images_are_found_though_a_relu_may_hide_them(message_of):
    assert message_of(unit_contributions, hidden_and(), X * np.float32("nan")) == (
        "Some images hold values that are NaN or infinite. Look at how they were prepared."
    )


def test_no_images_are_refused(message_of):
    assert message_of(unit_contributions, hidden_and(), X[:0]) == "x holds no images; give one or more."


@pytest.mark.parametrize(
    ("silenced", "said"),
    [
        ({"hidden": [1, 3]}, "hidden has units 0 to 2; there is no 3."),
        ({"conv": [0]}, "silenced names layer 'conv', which has no gates here. There are: hidden."),
    ],
)
def test_units_to_silence_that_are_not_there_are_named(silenced, said, message_of):
    assert message_of(partial(GatedModel(hidden_and()).contributions, silenced=silenced), X) == said


@pytest.mark.parametrize("end", [layers.Lambda(ops.softmax), lambda y: layers.Reshape((2,))(layers.Softmax()(y))])
def test_a_softmax_that_hides_is_found_by_what_it_puts_out(end, message_of):
    model = hidden_and()
    hiding = keras.Model(model.input, end(model.output))
    message = message_of(unit_contributions, hiding, np.random.default_rng(0).normal(size=(4, 4)).astype("float32"))
    assert message.startswith("What was found in place of logits are probabilities, from 0 to 1 and 1 in sum")


def test_contributions_that_overflow_are_reported_with_their_layer(message_of):
    model = hidden_and(lambda y: ops.sqrt(y - y))  # 0, with an infinite slope
    message = message_of(unit_contributions, model, X)
    assert message.startswith("Layer 'hidden': the contributions of 3 of 3 units to the logits are NaN or infinite.")
