"""The papers' way, silencing unit by unit, is the oracle of the fast one."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from fm_keras.filters import filter_fields
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import Probe, class_means, masked_fields


@pytest.fixture
def probe_of(rng):
    """A probe with a kernel at random, which is all that the fields need."""

    def probe(layer, *shape):
        return Probe(layer, rng.normal(0, 0.1, shape).astype("float32"), 0.0, 0.0)

    return probe


@pytest.mark.parametrize(
    ("layer", "shape", "most"),
    [("conv1", (4, 4, 4, 3), 1024), ("hidden", (6, 3), 1024), ("conv2", (2, 2, 4, 3), 4)],
    ids=["conv", "dense", "pooled"],
)
def test_fields_by_silencing_are_class_means_times_kernel(network, dataset, probe_of, layer, shape, most):
    settings = AnalysisSettings(max_positions=most, batch_size=10)
    probe = probe_of(layer, *shape)
    found = masked_fields(network, dataset.test, probe, settings=settings)
    means = class_means(network, dataset, layers=[layer], settings=settings)[layer]
    expected = filter_fields(means, probe.kernel)
    assert found.shape == (shape[-2], 3, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_preprocess_reaches_the_silenced_network(network, dataset, probe_of):
    probe = probe_of("hidden", 6, 3)
    plain, halved = (
        masked_fields(network, dataset.test, probe, preprocess=preprocess) for preprocess in (None, lambda x: x // 2)
    )
    means = class_means(network, dataset, layers=["hidden"], preprocess=lambda x: x // 2)["hidden"]
    np.testing.assert_allclose(halved, filter_fields(means, probe.kernel), rtol=1e-5, atol=1e-5)
    assert np.abs(plain - halved).max() > 1e-3


def test_augmentation_inside_the_network_is_passed_over(network, dataset, probe_of):
    moving = keras.Model(network.input, network(keras.layers.RandomTranslation(0.2, 0.2)(network.input)))
    probe = probe_of("conv1", 4, 4, 4, 3)

    found = masked_fields(moving, dataset.test, replace(probe, layer="small/conv1"))

    expected = masked_fields(network, dataset.test, probe)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
