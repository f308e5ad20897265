"""Rules that go by fields see training images alone."""

import dataclasses

import numpy as np
import pytest

from fm_keras.analysis import analyze
from fm_keras.data import Dataset, Split
from fm_keras.pruning.choosing.choice import choose
from fm_keras.pruning.choosing.fields import training_fields
from fm_keras.settings import AnalysisSettings, ProbeSettings, PruneSettings

SMALL = AnalysisSettings(max_positions=9, batch_size=20)


def test_an_analysis_of_test_images_lends_its_probes_alone(analyzed, dataset, analysis):
    found = training_fields(analyzed, dataset, analysis, settings=SMALL)

    train = SMALL.changed(split="train")
    expected = analyze(analyzed, dataset, fields="probe", settings=train, probe=ProbeSettings(epochs=3))
    assert (found.images, found.settings.split) == (60, "train")
    for one, other, before in zip(found, expected, analysis, strict=True):
        np.testing.assert_array_equal(one.kernel, before.kernel)
        np.testing.assert_allclose(one.class_means, other.class_means, rtol=1e-5, atol=1e-6)
        assert len(one.table) == len(before.table)


def test_an_analysis_of_training_images_is_taken_as_it_is(analyzed, dataset, analysis):
    train = dataclasses.replace(analysis, settings=analysis.settings.changed(split="train"))
    assert training_fields(analyzed, dataset, train, settings=SMALL) is train


def test_network_fields_are_taken_again_without_probes(analyzed, dataset):
    network = analyze(analyzed, dataset, fields="network", settings=SMALL)
    found = training_fields(analyzed, dataset, network, settings=SMALL)
    assert found.probe is None
    assert (found.images, found.settings.split) == (60, "train")


@pytest.mark.parametrize("rule", ["snr", "few_noise", "field_norm", "probe_ablation"])
def test_other_test_images_choose_the_same_units(rule, analyzed, dataset, analysis, rng):
    noise = Split(rng.normal(size=dataset.test.images.shape).astype("float32"), dataset.test.labels)
    other = Dataset("other", dataset.train, noise, dataset.label_names)
    settings = PruneSettings(rule=rule, keep=0.5)
    one, same = (choose(analyzed, each, settings, analysis=analysis, measuring=SMALL) for each in (dataset, other))
    assert one.removed == same.removed


def test_an_analysis_of_another_model_or_of_other_labels_is_one_line(analyzed, dataset, analysis, message_of):
    fewer = dataclasses.replace(analysis, label_names=("x", "y", "z"))
    assert message_of(lambda: training_fields(analyzed, dataset, fewer, settings=SMALL)) == (
        "The analysis is of labels other than those of small: x, y, z. Analyze the model with these images."
    )
    (first, *rest) = analysis.measured
    strange = dataclasses.replace(analysis, measured=(dataclasses.replace(first, layer="conv9"), *rest))
    assert message_of(lambda: training_fields(analyzed, dataset, strange, settings=SMALL)).startswith(
        "The analysis is of another model than 'small'"
    )
