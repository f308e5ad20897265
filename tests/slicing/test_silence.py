"""Silence for real: the same as a literal model in which units are multiplied by zero."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy.special import log_softmax

from fm_keras.data import Dataset, Split
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import network_images, silence_cost, silence_effects


def outcome(literal, split):
    """Mean loss and accuracy of a model of logits."""
    logits = ops.convert_to_numpy(literal(split.images, training=False)).astype(float)
    losses = -log_softmax(logits, axis=1)[np.arange(len(split)), split.labels]
    return losses.mean(), np.mean(logits.argmax(axis=1) == split.labels)


@pytest.fixture(scope="module")
def drawn(architecture):
    """A nested layer, a way past the cut, a layer called twice and a hidden one; and 63 images, which fill no step."""
    built = architecture(("nested", "residual", "shared"), "average", hidden=True, softmax="softmax", sequential=False)
    rng = np.random.default_rng(4)
    split = Split(rng.normal(size=(63, 6, 6, 2)).astype("float32"), np.arange(63) % 3)
    return built.model(), *built.literal(), split


@pytest.mark.parametrize(
    "layer", ["nested0/conv", "residual1_side", "residual1", "shared2", "shared2:2", "hidden"], ids=str
)
def test_silence_is_that_of_a_literal_model_wherever_the_cut(layer, drawn):
    model, literal, scales, split = drawn
    before, units = model.get_weights(), scales[layer].factors.shape[0]
    groups = [[0], [units - 1], [0, 2], [], list(range(units))]
    whole, _ = outcome(literal, split)

    found = silence_effects(model, split, layer, groups)

    for group, row in zip(groups, found.itertuples(), strict=True):
        scales[layer].factors.assign(~np.isin(np.arange(units), group))
        loss, accuracy = outcome(literal, split)
        assert row.cost == pytest.approx(loss - whole, rel=1e-3, abs=1e-6)
        assert row.accuracy == pytest.approx(accuracy)
    scales[layer].factors.assign(np.ones(units))
    assert found["cost"].abs().min() == 0 and found["cost"].abs().max() > 1e-3
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_more_units_than_fit_a_step_cost_what_each_costs_alone(rng):
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(3)(layers.Dense(23, "relu", name="wide")(x)))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    split = Split(rng.normal(size=(63, 4)), np.arange(63) % 3)

    costs = silence_cost(model, split, "wide")

    assert costs.shape == (23,)
    np.testing.assert_allclose(costs[[22, 10, 3]], silence_cost(model, split, "wide", [22, 10, 3]), atol=1e-7)
    kernel, bias = model.layers[-1].get_weights()
    whole, _ = outcome(model, split)
    for unit in (0, 9, 10, 22):
        model.layers[-1].set_weights([np.where(np.arange(23)[:, None] == unit, 0, kernel), bias])
        assert costs[unit] == pytest.approx(outcome(model, split)[0] - whole, rel=1e-3, abs=1e-6)


def test_a_network_of_three_units_loses_what_was_worked_out():
    """The network of test_gates: image 0, label 1, z = (4, 8), loss ln(1 + e^-4); image 1, label 0, z = (7, 7), ln 2.

    Without unit 0: image 0 has units (0, 1, 0), z = (1, 2), loss ln(1 + e^-1).  Without unit 1: (3, 0, 0), z = (3, 6),
    ln(1 + e^-3).  Without both: z = (0, 0), ln 2, and the first of equal logits is wrong.  Without unit 2: image 1
    has z = (0, 0), ln 2 as before.
    """
    x = keras.Input((3,))
    hidden = layers.Dense(3, "relu", use_bias=False, name="hidden")(x)
    second = layers.Dense(2, "relu", use_bias=False, name="second")(hidden)
    model = keras.Model(x, layers.Dense(2, "softmax", use_bias=False, name="out")(second))
    model.set_weights([np.eye(3), np.array([[1, -1], [1, 0], [0, 1]]), np.array([[1, 2], [7, 7]])])
    split = Split(np.array([[3, 1, -2], [-1, 0, 1]]), np.array([1, 0]))

    found = silence_effects(model, split, "hidden", [[0], [1], [0, 1], [2]])

    losses = np.log([1 + np.exp(-1), 1 + np.exp(-3), 2]) - np.log(1 + np.exp(-4))
    np.testing.assert_allclose(found["cost"], [*losses / 2, 0], atol=1e-6)
    assert found["accuracy"].tolist() == [1, 1, 0.5, 1]


def test_a_data_set_gives_the_images_of_the_settings(network, dataset):
    few, steps = AnalysisSettings(images=6, split="train", batch_size=4, seed=2), []

    costs = silence_cost(network, dataset, "hidden", settings=few, progress=steps.append)

    expected = silence_cost(network, network_images(dataset, few), "hidden")
    np.testing.assert_allclose(costs, expected, rtol=1e-4, atol=1e-6)
    assert [(step.stage, step.done, step.total) for step in steps] == [("silence", 1, 2), ("silence", 2, 2)]


def test_images_are_preprocessed(network, dataset):
    halved = Split(dataset.test.images.astype("float32") / 2, dataset.test.labels)
    found = silence_cost(network, dataset.test, "hidden", preprocess=lambda x: ops.cast(x, "float32") / 2)
    np.testing.assert_allclose(found, silence_cost(network, halved, "hidden"), rtol=1e-4, atol=1e-6)


def test_a_mixed_policy_of_the_caller_changes_nothing(network, dataset):
    expected = silence_cost(network, dataset.test, "conv2")
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = silence_cost(network, dataset.test, "conv2")
    finally:
        keras.config.set_dtype_policy(policy)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_named_inputs_and_tokens_behind_a_mask_are_silenced(rng):
    tokens, more = keras.Input((5,), dtype="int32", name="tokens"), keras.Input((2,), name="more")
    x = layers.Dense(3, use_bias=False, name="hidden")(layers.Embedding(7, 4, mask_zero=True)(tokens))
    x = layers.Concatenate(name="join")([layers.GlobalAveragePooling1D()(x), more])
    model = keras.Model({"tokens": tokens, "more": more}, layers.Dense(2, name="out")(x))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    images = {"tokens": np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 1]], "int32"), "more": rng.normal(size=(2, 2))}
    split = Split(images, np.array([0, 1]))

    costs = silence_cost(model, split, "hidden")

    whole, _ = outcome(model, split)
    kernel, bias = model.get_layer("out").get_weights()
    for unit in range(3):
        model.get_layer("out").set_weights([np.where(np.arange(5)[:, None] == unit, 0, kernel), bias])
        assert costs[unit] == pytest.approx(outcome(model, split)[0] - whole, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("layer", "units", "message"),
    [
        ("hidden", [5, 6], "hidden has units 0 to 5; there is no 6."),
        ("hidden", [0.5], "hidden has units 0 to 5; there is no 0.5."),
        ("hidden", 3, "units must be numbers of units, or groups of them; received 3."),
        ("hidden", [[0], [1, -1]], "hidden has units 0 to 5; there is no -1."),
        ("conv3", None, "Model 'small' has no layer 'conv3'. It can be cut at: conv1, conv2, add, hidden."),
    ],
)
def test_units_and_layers_that_are_not_there_are_named(layer, units, message, network, dataset, message_of):
    assert message_of(silence_cost, network, dataset, layer, units) == message


def test_labels_beyond_the_logits_are_refused(network, dataset, message_of):
    wrong = Split(dataset.test.images, dataset.test.labels + 1)
    assert message_of(silence_cost, network, wrong, "hidden") == (
        "Model 'small' has 3 logits, but labels go from 1 to 3."
    )


def test_too_few_images_and_missing_logits_are_refused(network, dataset, message_of):
    few = partial(silence_cost, settings=AnalysisSettings(images=2))
    assert message_of(few, network, dataset, "hidden") == "2 images cannot hold 3 labels. Take 3 or more."
    squashed = keras.Model(network.input, layers.Activation("sigmoid", name="end")(network.output), name="small")
    assert "ends in sigmoid (layer 'end')" in message_of(
        silence_cost, squashed, Dataset("small", dataset.train, dataset.test, dataset.label_names), "hidden"
    )
