"""Frozen parts of a model, and that no verb of the cutting wing leaves a trace in the user's model."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.settings import ProbeSettings
from fm_keras.slicing import (
    class_means,
    cut_points,
    fit_probes,
    masked_fields,
    probe_positions,
    slice_model,
)
from fm_keras.slicing.slices import flat_activations


@pytest.mark.parametrize(("layer", "after"), [("conv1", "pool1"), ("add", "relu2"), ("hidden", "drop")])
def test_a_slice_puts_out_the_activations_at_its_cut(network, dataset, activations, layer, after):
    found = slice_model(network, layer).predict(dataset.test.images, verbose=0)
    np.testing.assert_allclose(found, activations(network, after, dataset.test.images), rtol=1e-5, atol=1e-5)


def test_a_slice_is_named_by_its_layer_and_frozen(network):
    part = slice_model(network, "conv2")
    assert part.name == "small_to_conv2"
    assert not part.trainable_weights


def test_a_slice_does_not_learn_when_a_head_on_it_is_trained(network, dataset):
    part = slice_model(network, "hidden")
    before = part.get_weights()
    model = keras.Sequential([part, layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(dataset.train.images.astype("float32"), dataset.train.labels, verbose=0)
    for one, other in zip(before, part.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_cut_is_answered_with_the_cuts(network, message_of):
    assert message_of(slice_model, network, "conv7") == (
        "Model 'small' has no layer 'conv7'. It can be cut at: conv1, conv2, add, hidden."
    )


def by_hand(activation, factor):
    """Average over blocks of positions, those at the border over what is there."""
    height, width = activation.shape[1:3]
    rows = [slice(row, row + factor) for row in range(0, height, factor)]
    columns = [slice(column, column + factor) for column in range(0, width, factor)]
    return np.stack([np.stack([activation[:, r, c].mean(axis=(1, 2)) for c in columns], 1) for r in rows], 1)


@pytest.mark.parametrize("most", [64, 16, 9, 4])
def test_large_maps_are_averaged_over_blocks(most, rng):
    x = keras.Input((8, 8, 2))
    (cut,) = cut_points(keras.Model(x, layers.Flatten()(layers.Conv2D(3, 1, name="conv")(x))))
    activation = rng.normal(size=(5, 8, 8, 3)).astype("float32")
    factor = {64: 1, 16: 2, 9: 3, 4: 4}[most]
    expected = by_hand(activation, factor).reshape(5, -1, 3)
    found = ops.convert_to_numpy(flat_activations(activation, cut, most))
    assert found.shape[1:-1] == (np.prod(probe_positions(cut, most)),)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_channels_first_activations_are_read_with_their_units_last(rng):
    x = keras.Input((2, 4, 6))
    y = layers.Conv2D(3, 1, data_format="channels_first", name="conv")(x)
    (cut,) = cut_points(keras.Model(x, layers.Flatten()(y)))
    activation = rng.normal(size=(5, 3, 4, 6)).astype("float32")
    expected = by_hand(activation.transpose(0, 2, 3, 1), 2).reshape(5, 6, 3)
    np.testing.assert_allclose(ops.convert_to_numpy(flat_activations(activation, cut, 6)), expected, rtol=1e-5)


VERBS = {
    "slice_model": lambda model, data: slice_model(model, "hidden"),
    "class_means": lambda model, data: class_means(model, data),
    "fit_probes": lambda model, data: fit_probes(model, data, settings=ProbeSettings(epochs=1)),
    "masked_fields": lambda model, data: masked_fields(
        model, data.test, fit_probes(model, data, layers=["hidden"], settings=ProbeSettings(epochs=1))["hidden"]
    ),
}


def state(model):
    flags = {each.name: each.trainable for each in model.layers}
    flags.update({weight.path: weight.trainable for weight in model.weights})
    nodes = {each.name: (len(each._inbound_nodes), len(each._outbound_nodes)) for each in model.layers}
    return flags, nodes, model.optimizer, model.loss, [id(each.output) for each in model.layers]


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_the_user_s_model_stays_as_it_was(verb, network, dataset):
    network.get_layer("conv1").trainable = False
    network.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    weights, before = network.get_weights(), state(network)
    verb(network, dataset)
    assert state(network) == before
    for one, other in zip(weights, network.get_weights()):
        np.testing.assert_array_equal(one, other)
