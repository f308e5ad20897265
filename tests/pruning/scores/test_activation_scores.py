"""Scores from a pass over images: activity counted by hand, and silencing in the probe for real."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from fm_keras.data import Split
from fm_keras.pruning import active_share, batch_norm_scale, fpgm, kernel_l1, probe_ablation
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import cut_points, slice_model

BATCHES_OF_TEN = AnalysisSettings(batch_size=10)


def activations(model, layer, images):
    return slice_model(model, layer).predict(images, verbose=0)


def test_shares_are_counted_over_images_and_positions(network, dataset):
    found = active_share(network, dataset.test, settings=BATCHES_OF_TEN)
    assert (found.name, found.index.names) == ("active_share", ["layer", "filter"])
    assert list(found.index) == [(cut.layer, unit) for cut in cut_points(network) for unit in range(cut.units)]
    for layer in ("block/conv", "side", "add", "hidden"):
        values = activations(network, layer, dataset.test.images)
        expected = [np.mean(values[..., unit] != 0) for unit in range(values.shape[-1])]
        np.testing.assert_allclose(found[layer], expected, rtol=1e-6)
    assert 0.05 < found["hidden"].mean() < 0.95
    assert (found["side"] == 1).all()


def test_a_relu_network_counted_by_hand():
    x = keras.Input((2,))
    model = keras.Model(x, layers.Dense(2)(layers.Dense(3, "relu", name="hidden")(x)))
    model.get_layer("hidden").set_weights([np.array([[1, 0, 1], [0, 1, 1]]), np.array([0, -1, -9])])
    split = Split(np.array([[1, 3], [-1, 1], [2, 2], [0, 7]]), np.zeros(4, int))
    assert active_share(model, split, settings=AnalysisSettings(batch_size=3)).tolist() == [2 / 4, 3 / 4, 0]


def test_a_large_map_is_not_pooled(network, dataset):
    small = AnalysisSettings(max_positions=1)
    expected = active_share(network, dataset.test, layers=["block/conv"])
    found = active_share(network, dataset.test, layers=["block/conv"], settings=small)
    assert found.between(0.01, 0.99).any()
    pd.testing.assert_series_equal(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("score", "total"), [("active_share", 4 * 4), ("probe_ablation", 4 * 37)])
def test_little_memory_gives_the_same_scores_and_every_step_is_reported(score, total, network, dataset, analysis):
    measure = {
        "active_share": lambda **options: active_share(network, dataset.test, **options),
        "probe_ablation": lambda **options: probe_ablation(network, analysis, dataset.test, **options),
    }[score]
    steps = []
    grouped = measure(settings=AnalysisSettings(batch_size=10, memory_limit=1e-6), progress=steps.append)
    pd.testing.assert_series_equal(grouped, measure(settings=BATCHES_OF_TEN), rtol=1e-4, atol=1e-6)
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("measure", done, total) for done in range(1, total + 1)
    ]


def test_units_with_channels_first_are_counted_along_their_axis(rng):
    x = keras.Input((3, 4, 4))
    y = layers.BatchNormalization(axis=1)(layers.Add(name="add")([x, x]))
    y = layers.MaxPooling2D(2, data_format="channels_first")(layers.ReLU()(y))
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(y)))
    assert [cut.channels_first for cut in cut_points(model)] == [True]
    images = rng.normal(-1, 1, (20, 3, 4, 4)).astype("float32")
    found = active_share(model, Split(images, np.zeros(20, int)))
    expected = (activations(model, "add", images) != 0).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(set(found)) == 3


def test_named_inputs_and_preprocessing_reach_the_network(rng):
    left, right = keras.Input((5, 4), name="left"), keras.Input((5, 2), name="right")
    x = layers.Dense(6, activation="relu", name="tokens")(layers.Concatenate(name="join")([left, right]))
    model = keras.Model({"left": left, "right": right}, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    split = Split({"left": rng.normal(size=(20, 5, 4)), "right": rng.normal(size=(20, 5, 2))}, np.arange(20) % 3)

    def negated(images):
        return {name: -ops.cast(array, "float32") for name, array in images.items()}

    found = active_share(model, split, layers=["tokens"], preprocess=negated)
    values = activations(model, "tokens", {name: -array for name, array in split.images.items()})
    np.testing.assert_allclose(found, (values != 0).mean(axis=(0, 1)), rtol=1e-6)


def test_augmentation_inside_the_network_is_passed_over(rng):
    conv = layers.Conv2D(3, 3, activation="relu", name="conv")
    images = rng.normal(size=(20, 8, 8, 1)).astype("float32")
    split = Split(images, np.arange(20) % 3)
    moving, still = (
        keras.Sequential([keras.Input((8, 8, 1)), *first, conv, layers.Flatten(), layers.Dense(3)])
        for first in ([layers.RandomTranslation(0.3, 0.3)], [])
    )
    pd.testing.assert_series_equal(active_share(moving, split), active_share(still, split))


@pytest.mark.parametrize("score", ["active_share", "probe_ablation"])
def test_broken_weights_are_reported_with_the_layer_and_its_units(score, network, dataset, analysis, message_of):
    kernel, bias = network.get_layer("side").get_weights()
    bias[1] = np.nan
    network.get_layer("side").set_weights([kernel, bias])
    given = {"active_share": (active_share, network), "probe_ablation": (probe_ablation, network, analysis)}[score]
    assert message_of(*given, dataset.test) == (
        "Layer 'side' puts out NaN or infinite values in 1 of 4 units. "
        "Look for diverged weights: a smaller learning rate may do."
    )


def test_labels_that_the_analysis_does_not_have_are_refused(network, dataset, analysis, message_of):
    strange = Split(dataset.test.images, dataset.test.labels + 1)
    assert message_of(probe_ablation, network, analysis, strange).startswith("labels hold 3; ")


def cross_entropy(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels])


def pooled(values, positions):
    """Average over 2 x 2 blocks, as far as the probe reads them."""
    if values.ndim == 4 and values.shape[1] ** 2 > positions:
        size = values.shape[1] // 2
        values = values.reshape(len(values), size, 2, size, 2, -1).mean(axis=(2, 4))
    return values.reshape(len(values), -1, values.shape[-1]).astype(float)


def test_ablation_equals_silencing_the_unit_in_the_probe_for_real(network, dataset, analysis):
    found = probe_ablation(network, analysis, dataset.test, settings=BATCHES_OF_TEN)
    assert (found.name, found.index.names) == ("probe_ablation", ["layer", "filter"])
    assert list(found.index.unique("layer")) == ["block/conv", "side", "add", "hidden"]
    labels = dataset.test.labels
    for filters in analysis:
        values = pooled(activations(network, filters.layer, dataset.test.images), 9)
        whole = cross_entropy(np.einsum("npu,puk->nk", values, filters.kernel), labels)
        for unit in range(len(filters)):
            silenced = filters.kernel.copy()
            silenced[:, unit] = 0
            without = cross_entropy(np.einsum("npu,puk->nk", values, silenced), labels)
            assert found[filters.layer, unit] == pytest.approx(without - whole, rel=1e-3, abs=1e-5)
    assert found.abs().max() > 1e-3


def test_ablation_takes_settings_and_order_from_the_analysis(network, dataset, analysis):
    expected = probe_ablation(network, analysis, dataset.test)
    other = probe_ablation(network, analysis, dataset.test, settings=AnalysisSettings(max_positions=4096))
    pd.testing.assert_series_equal(other, expected, rtol=1e-4, atol=1e-6)
    order = np.random.default_rng(1).permutation(len(dataset.test))
    shuffled = probe_ablation(network, analysis, dataset.test.take(order))
    pd.testing.assert_series_equal(shuffled, expected, rtol=1e-4, atol=1e-6)


def test_a_unit_without_weights_in_the_probe_costs_nothing(network, dataset, analysis):
    filters = analysis["hidden"]
    kernel = filters.kernel.copy()
    kernel[:, 2] = 0
    one = type(filters)(**{**vars(filters), "kernel": kernel})
    changed = type(analysis)(**{**vars(analysis), "measured": (one,)})
    found = probe_ablation(network, changed, dataset.test)
    assert list(found.index.unique("layer")) == ["hidden"]
    assert found["hidden", 2] == pytest.approx(0, abs=1e-7)
    assert (found.drop(("hidden", 2)) != 0).all()


def test_an_analysis_without_probes_or_of_another_network_is_refused(network, dataset, analysis, message_of):
    bare = tuple(type(filters)(**{**vars(filters), "kernel": None}) for filters in analysis)
    without = type(analysis)(**{**vars(analysis), "measured": bare})
    assert message_of(probe_ablation, network, without, dataset.test) == (
        "The analysis has no probes to silence units in: analyze with fields='probe' or 'both'."
    )
    x = keras.Input((8, 8, 2))
    other = keras.Model(x, layers.Dense(3)(layers.Dense(7, name="hidden")(layers.Flatten()(x))))
    only = type(analysis)(**{**vars(analysis), "measured": (analysis["hidden"],)})
    assert message_of(probe_ablation, other, only, dataset.test) == (
        "The probe of layer 'hidden' has the shape (1, 5, 3), but here it must be (1, 7, 3): "
        "give the network that was analyzed."
    )


SCORES = {
    "kernel_l1": lambda model, analysis, images: kernel_l1(model),
    "fpgm": lambda model, analysis, images: fpgm(model),
    "batch_norm_scale": lambda model, analysis, images: batch_norm_scale(model),
    "active_share": lambda model, analysis, images: active_share(model, images),
    "probe_ablation": probe_ablation,
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES.keys())
def test_the_network_is_left_as_it_was(score, network, dataset, analysis):
    network.get_layer("side").trainable = False
    network.compile("adam", "sparse_categorical_crossentropy")
    weights, optimizer = network.get_weights(), network.optimizer
    score(network, analysis, dataset.test)
    assert [layer.trainable for layer in network.layers] == [layer.name != "side" for layer in network.layers]
    assert network.optimizer is optimizer
    for one, other in zip(weights, network.get_weights()):
        np.testing.assert_array_equal(one, other)
