"""The main job on real CIFAR-10: the trends of the papers are there after a few minutes of training."""

import keras
import pytest

from fm_keras.analysis import analyze
from fm_keras.data import load_dataset
from fm_keras.models import ModelSpec, build_model
from fm_keras.settings import TrainSettings
from fm_keras.training import train_model

pytestmark = [pytest.mark.cifar, pytest.mark.tensorflow]


@pytest.fixture(scope="module")
def cifar10():
    return load_dataset("cifar10", limit=20_000)


@pytest.fixture(scope="module")
def trained(cifar10):
    keras.utils.set_random_seed(0)
    model = build_model(ModelSpec(name="vgg6", width=8, image_shape=cifar10.image_shape))
    history = train_model(model, cifar10, settings=TrainSettings(epochs=6))
    return model, history


@pytest.fixture(scope="module")
def layers(cifar10, trained):
    return analyze(trained[0], cifar10).layers()


def test_cifar10_is_complete_and_balanced():
    whole = load_dataset("cifar10")
    assert (len(whole.train), len(whole.test), whole.image_shape) == (50_000, 10_000, (32, 32, 3))
    assert whole.label_names[:3] == ("airplane", "automobile", "bird")


def test_a_small_network_learns_in_a_few_epochs(trained):
    assert trained[1]["val_accuracy"].iloc[-1] > 0.6


def test_probe_accuracy_and_snr_rise_with_depth_and_noise_falls(layers):
    first, last = layers.iloc[0], layers.iloc[-1]
    assert layers["accuracy"].is_monotonic_increasing
    assert last["accuracy"] > first["accuracy"] + 0.1
    assert last["snr"] > 1.3 * first["snr"]
    assert last["noise"] < 0.8 * first["noise"]


def test_the_last_probe_reads_as_well_as_the_network(layers, trained):
    assert layers["accuracy"].iloc[-1] == pytest.approx(trained[1]["val_accuracy"].iloc[-1], abs=0.02)


def test_labels_are_spread_more_evenly_near_the_output(layers):
    assert layers["label_cv"].iloc[-1] < layers["label_cv"].iloc[0]
