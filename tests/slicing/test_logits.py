"""Where logits are found: behind every way to write a softmax, and nowhere else."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy.special import log_softmax

from fm_keras.models.graph import rebuild, walk
from fm_keras.slicing.logits import cross_entropies, find_logits, take_softmax_off


def ending_in(end, *, inside=None, units=3):
    """Dense "hidden", Dense "out" with an activation of its own, and whatever is behind it."""
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    y = layers.Dense(units, inside, name="out")(layers.Dense(5, "relu", name="hidden")(x))
    return keras.Model(x, end(y), name="small")


def same(x):
    return x


ENDS = {
    "linear": (None, same),
    "linear layer": (None, layers.Activation("linear")),
    "softmax inside": ("softmax", same),
    "Softmax inside": (layers.Softmax(), same),
    "log_softmax inside": ("log_softmax", same),
    "Softmax": (None, layers.Softmax()),
    "Activation softmax": (None, layers.Activation("softmax")),
    "Activation Softmax": (None, layers.Activation(layers.Softmax())),
    "Activation log_softmax": (None, layers.Activation("log_softmax")),
    "float32 softmax": (None, layers.Activation("softmax", dtype="float32")),
    "ops.softmax": (None, ops.softmax),
    "ops.log_softmax": (None, ops.log_softmax),
    "dropout and softmax": (None, lambda x: layers.Softmax()(layers.Dropout(0.5)(x))),
    "softmax inside and linear": ("softmax", layers.Activation("linear")),
}


@pytest.mark.parametrize(("inside", "end"), ENDS.values(), ids=ENDS)
def test_a_softmax_at_the_end_is_taken_off_however_it_is_written(inside, end, rng):
    model, x = ending_in(end, inside=inside), rng.normal(size=(6, 4)).astype("float32")
    graph = walk(model)

    logits = find_logits(model, graph)
    network = rebuild(model, graph, [logits.tensor])
    take_softmax_off(network, logits)

    hidden, out = model.get_layer("hidden"), model.get_layer("out")
    expected = ops.matmul(hidden(x), out.kernel) + out.bias
    assert logits.labels == 3
    np.testing.assert_allclose(network(x), expected, rtol=1e-5, atol=1e-6)


def test_the_users_model_keeps_its_softmax(rng):
    model = ending_in(same, inside="softmax")
    graph = walk(model)
    logits = find_logits(model, graph)
    take_softmax_off(rebuild(model, graph, [logits.tensor]), logits)
    np.testing.assert_allclose(np.sum(model(rng.normal(size=(6, 4))), axis=1), 1, rtol=1e-6)


def test_a_softmax_inside_a_nested_model_is_taken_off(rng):
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax", name="out")], name="head")
    image = keras.Input((4,))
    model, x = keras.Model(image, inner(layers.Dense(4)(image))), rng.normal(size=(6, 4))
    graph = walk(model)
    logits = find_logits(model, graph)
    network = rebuild(model, graph, [logits.tensor])
    take_softmax_off(network, logits)
    assert logits.softmax_in == "head/out"
    np.testing.assert_allclose(ops.softmax(network(x)), model(x), rtol=1e-5)


def test_an_average_over_positions_may_make_the_logits():
    x = keras.Input((4, 4, 2))
    y = layers.GlobalAveragePooling2D(name="average")(layers.Conv2D(3, 1, activation="relu")(x))
    model = keras.Model(x, layers.Softmax()(y))
    graph = walk(model)
    (average,) = [call for call in graph.calls if call.path == "average"]
    assert find_logits(model, graph).tensor == average.outputs[0]


@pytest.mark.parametrize(
    ("end", "inside", "units", "message"),
    [
        (
            same,
            "sigmoid",
            3,
            "ends in sigmoid (layer 'out'). Logits were looked for: a linear output (N, K), or a softmax of it. "
            "Fields of probes (fields='probe') need no logits.",
        ),
        (same, layers.LeakyReLU(), 3, "ends in leakyrelu (layer 'out')."),
        (layers.Activation("tanh", name="squash"), None, 3, "ends in tanh (layer 'squash')."),
        (layers.ReLU(name="cut_off"), None, 3, "ends in relu (layer 'cut_off')."),
        (layers.Softmax(axis=0, name="over"), None, 3, "ends in softmax (layer 'over')."),
        (same, "sigmoid", 1, "puts out (None, 1). Logits (N, K) of two or more labels were looked for, or a softmax"),
        (layers.Reshape((3, 1)), None, 3, "puts out (None, 3, 1). Logits (N, K) of two or more labels"),
        (
            lambda x: [x, layers.Softmax(name="soft")(x)],
            None,
            3,
            "has 2 outputs, and one with logits is needed: out (None, 3), soft (None, 3). Choose it with output= "
            "(--output), or fm_keras.models.choose_output(model, name).",
        ),
        (lambda x: layers.Softmax()(layers.Activation("linear")(x)), "sigmoid", 3, None),
    ],
)
def test_what_ends_in_no_logits_is_refused_with_what_was_looked_for(end, inside, units, message, message_of):
    model = ending_in(end, inside=inside, units=units)
    if message is None:  # what a softmax reads are logits, whatever made them
        assert find_logits(model, walk(model)).labels == 3
    else:
        assert message_of(find_logits, model, walk(model)).startswith(f"Model 'small' {message}")


def test_a_softmax_of_a_shared_layer_is_refused(message_of):
    x = keras.Input((3,))
    shared = layers.Dense(3, "softmax", name="shared")
    model = keras.Model(x, shared(shared(x)), name="small")
    assert message_of(find_logits, model, walk(model)) == (
        "Model 'small' calls its last layer 'shared:2' more than once, so its softmax cannot be taken off for the "
        "output alone: give the output a layer of its own."
    )


def test_cross_entropies_are_those_of_the_softmax_also_far_apart(rng):
    logits, labels = rng.normal(size=(5, 4, 3)), np.array([0, 2, 1, 1])
    expected = -np.take_along_axis(log_softmax(logits, axis=2), labels[None, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(cross_entropies(logits, labels), expected)
    np.testing.assert_allclose(cross_entropies(np.array([[1e4, 0], [0, 1e4]]), np.array([1, 1])), [1e4, 0])
