"""Class means in one pass: the same as NumPy's means of what the user's own model predicts."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.data import Dataset, Split
from fm_keras.errors import BadActivations
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import class_means

AFTER = {"conv1": "pool1", "conv2": "conv2", "add": "relu2", "hidden": "drop"}
BATCHES_OF_TEN = AnalysisSettings(batch_size=10)


def means_per_label(values, labels):
    return np.stack([values[labels == label].mean(axis=0) for label in range(3)])


def test_means_are_those_of_what_the_model_predicts(network, dataset, activations):
    means = class_means(network, dataset, settings=BATCHES_OF_TEN)
    assert list(means) == list(AFTER)
    assert len(set(np.bincount(dataset.test.labels))) > 1
    for layer, after in AFTER.items():
        expected = means_per_label(activations(network, after, dataset.test.images), dataset.test.labels)
        assert means[layer].dtype == np.float32
        np.testing.assert_allclose(means[layer], expected, rtol=1e-4, atol=1e-5)


def test_one_layer_alone_has_the_means_it_has_among_all(network, dataset):
    together = class_means(network, dataset)
    for layer in AFTER:
        alone = class_means(network, dataset, layers=[layer])
        assert list(alone) == [layer]
        np.testing.assert_allclose(alone[layer], together[layer], rtol=1e-5, atol=1e-6)


def test_the_training_split_is_measured_when_asked(network, dataset, activations):
    found = class_means(network, dataset, layers=["hidden"], settings=AnalysisSettings(split="train"))["hidden"]
    values = activations(network, "drop", dataset.train.images)
    np.testing.assert_allclose(found, means_per_label(values, dataset.train.labels), rtol=1e-4, atol=1e-5)


def test_groups_that_fit_little_memory_give_the_same_means_and_report_every_step(network, dataset):
    steps = []
    small = AnalysisSettings(batch_size=10, memory_limit=1e-9)
    grouped = class_means(network, dataset, settings=small, progress=steps.append)
    for layer, expected in class_means(network, dataset, settings=BATCHES_OF_TEN).items():
        np.testing.assert_allclose(grouped[layer], expected, rtol=1e-5, atol=1e-6)
    assert [(step.stage, step.done, step.total) for step in steps] == [("measure", i, 16) for i in range(1, 17)]


def test_a_large_map_is_pooled_before_it_is_averaged(network, dataset, activations):
    found = class_means(network, dataset, layers=["conv2"], settings=AnalysisSettings(max_positions=4))["conv2"]
    values = activations(network, "conv2", dataset.test.images)
    pooled = values.reshape(-1, 2, 2, 2, 2, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(found, means_per_label(pooled, dataset.test.labels), rtol=1e-4, atol=1e-5)


def test_images_of_bytes_and_of_floats_give_the_same_means(network, dataset):
    as_floats = Dataset(
        "floats",
        Split(dataset.train.images.astype("float32"), dataset.train.labels),
        Split(dataset.test.images.astype("float32"), dataset.test.labels),
        dataset.label_names,
    )
    expected = class_means(network, dataset)
    for layer, found in class_means(network, as_floats).items():
        np.testing.assert_allclose(found, expected[layer], rtol=1e-5, atol=1e-6)


def test_preprocess_is_applied_to_every_batch(network, dataset, activations):
    settings = BATCHES_OF_TEN
    found = class_means(
        network, dataset, layers=["hidden"], settings=settings, preprocess=lambda x: ops.cast(x, "float32") / 2 + 9
    )
    values = activations(network, "drop", dataset.test.images.astype("float32") / 2 + 9)
    np.testing.assert_allclose(found["hidden"], means_per_label(values, dataset.test.labels), rtol=1e-4, atol=1e-5)


def test_named_inputs_and_tokens_are_measured(rng):
    left, right = keras.Input((5, 4), name="left"), keras.Input((5, 2), name="right")
    x = layers.Dense(6, activation="relu", name="tokens")(layers.Concatenate(name="join")([left, right]))
    x = layers.Dense(3, name="out")(layers.GlobalAveragePooling1D(name="pool")(x))
    model = keras.Model({"left": left, "right": right}, x)
    images = {"left": rng.normal(size=(20, 5, 4)), "right": rng.normal(size=(20, 5, 2))}
    split = Split(images, np.arange(20) % 3)
    means = class_means(model, Dataset("named", split, split, ("a", "b", "c")), settings=AnalysisSettings(batch_size=7))
    values = keras.Model(model.input, model.get_layer("tokens").output).predict(split.images, verbose=0)
    np.testing.assert_allclose(means["tokens"], means_per_label(values, split.labels), rtol=1e-4, atol=1e-5)
    assert means["join"].shape == (3, 5, 6)


def test_float32_is_kept_under_a_mixed_policy(network, dataset):
    expected = class_means(network, dataset, layers=["hidden"])["hidden"]
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        floats = Split(dataset.test.images.astype("float32") + 0.37, dataset.test.labels)
        shifted = Dataset("floats", floats, floats, dataset.label_names)
        found = class_means(network, shifted, layers=["hidden"], preprocess=lambda x: x - 0.37)["hidden"]
    finally:
        keras.config.set_dtype_policy(policy)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_label_without_images_is_refused_by_name(network, dataset, message_of):
    without = dataset.test.take(dataset.test.labels != 1)
    message = message_of(class_means, network, Dataset("small", dataset.train, without, dataset.label_names))
    assert message.startswith("small: split test has no image of label 'b'.")


def test_broken_weights_are_reported_with_the_first_layer_and_its_units(network, dataset, message_of):
    kernel, bias = network.get_layer("conv2").get_weights()
    kernel[..., 1:3] = np.nan
    network.get_layer("conv2").set_weights([kernel, bias])
    assert message_of(class_means, network, dataset) == (
        "Layer 'conv2' puts out NaN or infinite values in 2 of 4 units on the test images. "
        "Look for diverged weights: a smaller learning rate may do."
    )


def test_infinite_activations_of_one_image_are_found(network, dataset):
    images = dataset.test.images.astype("float32")
    images[4, 0, 0, 0] = np.inf
    one_bad = Dataset("inf", dataset.train, Split(images, dataset.test.labels), dataset.label_names)
    with pytest.raises(BadActivations, match="Layer 'conv1' puts out NaN or infinite values in"):
        class_means(network, one_bad)
