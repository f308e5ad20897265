"""Outputs have names, and the model of one of them shares everything with the model it was taken from."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.models import choose_output
from fm_keras.models.graph import walk
from fm_keras.models.outputs import named_outputs


def heads(build):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,), name="x")
    y = layers.Dense(5, "relu", name="body")(x)
    return keras.Model(x, build(x, y), name="heads")


def inner(x, y):
    z = keras.Input((5,))
    head = keras.Model(z, [layers.Dense(3, name="kind")(z), layers.Dense(1, name="size")(z)], name="head")
    return head(y)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda x, y: {"what": layers.Dense(3)(y), "how": layers.Dense(1)(y)}, {"what", "how"}),
        (
            lambda x, y: {
                "head": {"kind": layers.Dense(3)(y), "sizes": [layers.Dense(1)(y)]},
                "how": layers.Dense(2)(y),
            },
            {"head/kind", "head/sizes/0", "how"},
        ),
        (lambda x, y: [layers.Dense(3, name="kind")(y), layers.Dense(1, name="size")(y)], {"kind", "size"}),
        (inner, {"head/kind", "head/size"}),
        (lambda x, y: [x, y], {"0", "body"}),
        (lambda x, y: ops.split(layers.Dense(4, name="both")(y), 2, axis=1), {"0", "1"}),
        (lambda x, y: y, {"body"}),
    ],
    ids=["dict", "dicts", "list", "nested", "input", "two of one layer", "one"],
)
def test_outputs_are_named_by_key_or_layer_or_number(build, names):
    assert set(named_outputs(heads(build))) == names


@pytest.mark.parametrize("name", ["head/kind", "head/size"])
def test_the_chosen_output_is_that_of_the_whole_model_with_the_same_paths(name, rng):
    model, x = heads(inner), rng.normal(size=(3, 4)).astype("float32")
    weights, calls = model.get_weights(), len(model.get_layer("head")._inbound_nodes)
    chosen = choose_output(model, name)
    number = list(named_outputs(model)).index(name)
    np.testing.assert_array_equal(chosen(x), model(x)[number])
    assert [call.path for call in walk(chosen).calls] == ["body", name]
    assert len(model.get_layer("head")._inbound_nodes) == calls
    for old, new in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_an_output_of_nested_dicts_is_chosen_by_its_keys(rng):
    model = heads(lambda x, y: {"head": {"size": layers.Dense(1)(y), "kind": layers.Dense(3)(y)}, "how": x})
    x = rng.normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(choose_output(model, "head/kind")(x), model(x)["head"]["kind"])


def test_a_model_with_one_output_is_that_of_its_output():
    model = heads(lambda x, y: y)
    assert choose_output(model, "body") is model


def test_an_unknown_output_is_answered_with_those_there_are(message_of):
    model = heads(lambda x, y: {"what": layers.Dense(3)(y), "how": layers.Dense(1)(y)})
    assert message_of(choose_output, model, "why") == (
        "Model 'heads' has no output 'why'. It has: what (None, 3), how (None, 1)."
    )
