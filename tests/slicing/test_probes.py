"""Dense probes: joint training is training alone, and the kernel reads activations as they are."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.data import Dataset, Split
from fm_keras.filters import filter_fields
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import class_means, fit_probes

AFTER = {"conv1": "pool1", "conv2": "conv2", "add": "relu2", "hidden": "drop"}
SETTINGS = ProbeSettings(epochs=3, batch_size=10, learning_rate=0.05)


@pytest.fixture
def probes(network, dataset):
    return fit_probes(network, dataset, settings=SETTINGS)


def logits_of(probe, values):
    return values.reshape(len(values), -1) @ probe.kernel.reshape(-1, probe.kernel.shape[-1])


def test_each_cut_has_a_kernel_of_its_positions_units_and_labels(probes):
    assert {layer: probe.kernel.shape for layer, probe in probes.items()} == {
        "conv1": (4, 4, 4, 3),
        "conv2": (4, 4, 4, 3),
        "add": (4, 4, 4, 3),
        "hidden": (6, 3),
    }
    assert all(probe.kernel.dtype == np.float32 and np.ptp(probe.kernel) > 0 for probe in probes.values())


def test_training_together_is_training_alone(network, dataset, probes):
    for layer in ("conv1", "hidden"):
        alone = fit_probes(network, dataset, layers=[layer], settings=SETTINGS)[layer]
        np.testing.assert_allclose(probes[layer].kernel, alone.kernel, rtol=1e-4, atol=1e-5)
        assert (probes[layer].train_accuracy, probes[layer].test_accuracy) == pytest.approx(
            (alone.train_accuracy, alone.test_accuracy)
        )


def test_groups_that_fit_little_memory_give_the_same_probes_and_report_every_step(network, dataset, probes):
    steps = []
    little = AnalysisSettings(memory_limit=1e-9)
    grouped = fit_probes(network, dataset, settings=SETTINGS, analysis=little, progress=steps.append)
    for layer, probe in probes.items():
        np.testing.assert_allclose(grouped[layer].kernel, probe.kernel, rtol=1e-4, atol=1e-5)
    assert [(step.stage, step.done, step.total) for step in steps] == [("probe", i, 60) for i in range(1, 61)]


@pytest.mark.parametrize("standardize", [True, False])
def test_the_test_accuracy_is_that_of_activations_times_kernel(network, dataset, activations, standardize):
    settings = SETTINGS.changed(standardize=standardize, learning_rate=0.05 if standardize else 1e-3)
    for layer, probe in fit_probes(network, dataset, settings=settings).items():
        logits = logits_of(probe, activations(network, AFTER[layer], dataset.test.images))
        right = np.mean(logits.argmax(axis=1) == dataset.test.labels)
        # One image of room: two logits may be equal but for rounding.
        assert probe.test_accuracy == pytest.approx(right, abs=1.01 / len(dataset.test))


def test_one_step_from_zero_is_the_gradient_worked_out_by_hand(network, dataset, activations):
    settings = ProbeSettings(
        epochs=1, batch_size=43, learning_rate=0.5, momentum=0.0, schedule="step", standardize=False
    )
    probe = fit_probes(network, dataset, layers=["hidden"], settings=settings)["hidden"]
    values = activations(network, "drop", dataset.train.images)
    missing = np.eye(3)[dataset.train.labels] - 1 / 3
    np.testing.assert_allclose(probe.kernel, 0.5 * values.T @ missing / 43, rtol=1e-4, atol=1e-5)


def test_standardizing_divides_by_the_mean_square_norm_of_the_features(network, dataset, activations):
    one_step = ProbeSettings(epochs=1, batch_size=43, learning_rate=0.5, momentum=0.0, schedule="step")
    plain = fit_probes(network, dataset, layers=["hidden"], settings=one_step.changed(standardize=False))["hidden"]
    scaled = fit_probes(network, dataset, layers=["hidden"], settings=one_step)["hidden"]
    square = np.mean(np.sum(activations(network, "drop", dataset.train.images) ** 2, axis=1))
    # Once in the gradient, once folded into the kernel.
    np.testing.assert_allclose(scaled.kernel, plain.kernel / square, rtol=1e-3)


def test_a_pooled_cut_reads_pooled_activations(network, dataset, activations):
    pooled = AnalysisSettings(max_positions=4)
    probe = fit_probes(network, dataset, layers=["conv2"], settings=SETTINGS, analysis=pooled)["conv2"]
    values = activations(network, "conv2", dataset.test.images).reshape(-1, 2, 2, 2, 2, 4).mean(axis=(2, 4))
    assert probe.kernel.shape == (2, 2, 4, 3)
    right = np.mean(logits_of(probe, values).argmax(axis=1) == dataset.test.labels)
    assert probe.test_accuracy == pytest.approx(right, abs=1.01 / len(dataset.test))


def test_a_seed_repeats_the_probes_and_another_does_not(network, dataset, probes):
    again = fit_probes(network, dataset, settings=SETTINGS)
    other = fit_probes(network, dataset, settings=SETTINGS.changed(seed=1))
    for layer, probe in probes.items():
        np.testing.assert_array_equal(again[layer].kernel, probe.kernel)
        assert np.abs(other[layer].kernel - probe.kernel).max() > 1e-6


def separable(rng, count):
    """Label = the brightest of three channels."""
    labels = np.arange(count) % 3
    images = rng.uniform(0, 60, (count, 4, 4, 3))
    images[np.arange(count), :, :, labels] += 120
    return Split(images.astype(np.uint8), labels)


def test_a_separable_problem_is_learned(rng):
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 3, name="conv")(layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, layers.Dense(3)(layers.Flatten()(x)))
    dataset = Dataset("channels", separable(rng, 300), separable(rng, 90), ("red", "green", "blue"))
    probe = fit_probes(model, dataset, settings=ProbeSettings(epochs=20, batch_size=20, learning_rate=0.1))["conv"]
    assert probe.test_accuracy > 0.95
    assert probe.train_accuracy > 0.95


def test_the_fields_of_all_units_add_up_to_the_mean_logits(network, dataset, activations, probes):
    means = class_means(network, dataset)
    for layer, probe in probes.items():
        logits = logits_of(probe, activations(network, AFTER[layer], dataset.test.images))
        expected = [logits[dataset.test.labels == label].mean(axis=0) for label in range(3)]
        fields = filter_fields(means[layer], probe.kernel)
        np.testing.assert_allclose(fields.sum(axis=0), expected, rtol=1e-3, atol=1e-5)
