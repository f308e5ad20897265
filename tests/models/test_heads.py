"""Heads of attention exposed: the same network, cut before the heads are mixed."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.errors import CannotCut, InvalidInput
from fm_keras.models import AttentionHeads, ModelSpec, attention_heads, build_model, expose_heads
from fm_keras.slicing import cut_points, slice_model

# Keras' Variable.__array__ has no `copy` argument, which NumPy 2 warns of whenever weights are read.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def randomized(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, weights.shape).astype(np.float32) for weights in model.get_weights()])
    return model


def attending(attention, calls=1, **kwargs):
    """A network of tokens with some attention between two Dense layers, in a nested model."""
    inside = keras.Input((5, 4))
    y = inside
    for _ in range(calls):
        y = attention(y, y, **kwargs)
    y = y[0] if kwargs.get("return_attention_scores") else y
    block = keras.Model(inside, y, name="block")
    x = keras.Input((5, 3))
    y = layers.Flatten()(block(layers.Dense(4, name="embed")(x)))
    return randomized(keras.Model(x, layers.Dense(3, name="out")(y)))


def tokens(model, number=4):
    return np.random.default_rng(1).normal(size=(number, *model.input_shape[1:])).astype(np.float32)


def literal_heads(layer, x):
    """(N, T, heads, nodes) what each head puts out, from the weights alone."""
    weights = {weight.path.split("/")[-2] + "/" + weight.name: np.asarray(weight) for weight in layer.weights}
    query, key, value = (
        np.einsum("ntc,chd->nthd", x, weights[f"{name}/kernel"]) + weights.get(f"{name}/bias", 0)
        for name in ("query", "key", "value")
    )
    scores = np.exp(np.einsum("nthd,nshd->nhts", query, key) / np.sqrt(layer.key_dim))
    return np.einsum("nhts,nshd->nthd", scores / scores.sum(axis=-1, keepdims=True), value)


CASES = {
    "plain": lambda: attending(layers.MultiHeadAttention(2, 3, name="attention")),
    "without biases": lambda: attending(layers.MultiHeadAttention(2, 3, use_bias=False, name="attention")),
    "values of another width": lambda: attending(layers.MultiHeadAttention(3, 2, value_dim=5, name="attention")),
    "another output": lambda: attending(layers.MultiHeadAttention(2, 2, output_shape=6, name="attention")),
    "dropout": lambda: attending(layers.MultiHeadAttention(2, 2, dropout=0.5, name="attention")),
    "shared": lambda: attending(layers.MultiHeadAttention(2, 2, name="attention"), calls=2),
    "causal": lambda: attending(layers.MultiHeadAttention(2, 2, name="attention"), use_causal_mask=True),
    "with scores": lambda: attending(layers.MultiHeadAttention(2, 2, name="attention"), return_attention_scores=True),
    "cct": lambda: randomized(build_model(ModelSpec(name="cct2", width=6, heads=4, image_shape=(16, 16, 1)))),
}


OTHER_WIDTH = pytest.param(
    "values of another width",
    marks=pytest.mark.skipif(
        keras.backend.backend() == "jax", reason="on JAX Keras' attention takes values of the keys' width alone"
    ),
)


@pytest.mark.parametrize("case", [OTHER_WIDTH if "width" in case else case for case in CASES])
def test_the_network_with_exposed_heads_puts_out_the_same(case):
    model = CASES[case]()
    before, x = model.get_weights(), tokens(model)
    exposed = expose_heads(model)
    np.testing.assert_allclose(np.asarray(exposed(x)), np.asarray(model(x)), rtol=1e-4, atol=1e-5)
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights()))
    units = {cut.layer: (cut.kind, cut.units) for cut in cut_points(exposed)}
    for each in attention_heads(model):
        assert units[each.exposed] == ("attention", each.heads * each.nodes)


@pytest.mark.parametrize("case", ["plain", "without biases", OTHER_WIDTH])
def test_what_is_exposed_are_the_heads_side_by_side(case):
    model = CASES[case]()
    x = tokens(model)
    embedded = np.asarray(model.get_layer("embed")(x))
    expected = literal_heads(model.get_layer("block").get_layer("attention"), embedded)
    exposed = slice_model(expose_heads(model), "block__attention_heads")
    np.testing.assert_allclose(np.asarray(exposed(x)), expected.reshape(4, 5, -1), rtol=1e-4, atol=1e-5)


def test_heads_are_listed_by_the_path_of_each_call():
    assert attention_heads(CASES["shared"]()) == [
        AttentionHeads("block/attention", "block__attention_heads", heads=2, nodes=2),
        AttentionHeads("block/attention:2", "block__attention__2_heads", heads=2, nodes=2),
    ]
    (second,) = attention_heads(CASES["cct"](), layers=["block2_attention"])
    assert (second.layer, second.heads, second.nodes) == ("block2_attention", 4, 2)


def test_a_network_or_a_layer_without_heads_is_refused():
    plain = build_model(ModelSpec(name="lenet5"))
    for call in (attention_heads, expose_heads):
        with pytest.raises(CannotCut, match=r"'lenet5' has no heads: it has no layer keras\.layers\.MultiHead"):
            call(plain)
    with pytest.raises(InvalidInput, match=r"has no heads in 'out'\. It has some in: block/attention\."):
        attention_heads(CASES["plain"](), layers=["out"])


def test_a_name_that_a_layer_has_already_is_left_to_it():
    x = keras.Input((5, 4))
    y = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    y = layers.Flatten()(layers.Dense(4, name="attention_heads")(y))
    model = randomized(keras.Model(x, layers.Dense(3, name="out")(y)))
    (found,) = attention_heads(model)
    exposed = expose_heads(model)
    assert found.exposed == "attention_heads_"
    assert [cut.layer for cut in cut_points(exposed)] == ["attention_heads_", "attention", "attention_heads"]
    np.testing.assert_allclose(np.asarray(exposed(tokens(model))), np.asarray(model(tokens(model))), rtol=1e-4)
