from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.serving.saved.queries import Knowledge
from fm_keras.serving.saved.ranking import label_shares, ranked_filters
from fm_keras.serving.saved.tables import LayerTables, finite_snr
from fm_keras.settings import AnalysisSettings

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("tensorflow_backend")]


def dense_network(units, outputs):
    return keras.Sequential([keras.Input((5,)), layers.Dense(units, "relu", name="hidden"), layers.Dense(outputs)])


@pytest.mark.parametrize(("labels", "whole"), [(3, True), (4, True), (5, False)])
def test_fields_are_kept_whole_or_as_factors_whichever_is_smaller(random_analysis, labels, whole):
    model = keras.Sequential(
        [keras.Input((3, 3, 1)), layers.Conv2D(6, 2, name="conv"), layers.Flatten(), layers.Dense(2)]
    )
    (measured,) = random_analysis(model, labels=labels)

    tables = LayerTables(measured)

    assert (tables.whole is not None) == whole  # four positions
    fields = keras.ops.convert_to_numpy(tables.fields(np.array([5, 0])))
    np.testing.assert_allclose(fields, measured.fields[[5, 0]], atol=1e-5)


def test_fields_that_are_held_are_kept_as_they_are(random_analysis, rng):
    (measured,) = random_analysis(dense_network(6, 5), labels=5)
    held = rng.normal(size=(6, 5, 5)).astype(np.float32)

    tables = LayerTables(replace(measured, held=held))

    np.testing.assert_array_equal(keras.ops.convert_to_numpy(tables.fields(np.array([2]))), held[[2]])


def test_a_thousand_labels_take_no_more_room_than_their_factors(rng):
    units, labels = 600, 1000  # all their fields would take 2.4 GB, more than a graph may hold
    kernel, means = (rng.normal(size=shape).astype(np.float32) for shape in ((1, units, labels), (labels, 1, units)))
    counts = ["n_clusters", "signal", "internal_noise", "external_noise"]
    table = pd.DataFrame({"filter": range(units), **dict.fromkeys(counts, 0), "snr": 0.0, "dead": False})
    clusters = np.full((units, labels), -1)
    layer = LayerFilters("hidden", "-", 0.5, means, kernel, clusters, table, 0.3)
    names = tuple(map(str, range(labels)))

    knowledge = Knowledge(Analysis(names, (layer,), "many", 9, AnalysisSettings(), None), names)

    assert sum(np.prod(weight.shape) for weight in knowledge.weights) * 4 < 10e6
    answer = knowledge.filter_field(np.array([0, 0], np.int32), np.array([599, 17], np.int32))
    slow = [np.outer(means[:, 0, unit], kernel[0, unit]) for unit in (599, 17)]
    np.testing.assert_allclose(answer["field"], slow, atol=1e-4)


def test_snr_without_noise_is_that_of_one_element_of_noise():
    assert finite_snr([3, 3, 0], np.array([0, 1, 0]), labels=10).tolist() == [27, 27, 0]
    assert finite_snr([3], np.array([6]), labels=10).tolist() == [4.5]  # the known case of the papers


def test_shares_of_factors_are_those_of_whole_fields(random_analysis):
    (measured,) = random_analysis(dense_network(6, 5), labels=5)

    factors, whole = label_shares(measured), label_shares(replace(measured, held=measured.fields))

    np.testing.assert_allclose(factors, whole, atol=1e-6)
    positive = np.maximum(factors, 0).sum(axis=0)
    np.testing.assert_allclose(positive, 1, atol=1e-6)


def test_equal_shares_are_ranked_by_number(random_analysis):
    (measured,) = random_analysis(dense_network(4, 3))

    numbers, shares = ranked_filters(replace(measured, held=np.ones((4, 3, 3), np.float32)), most=6)

    assert numbers.tolist() == [[0, 1, 2, 3, -1, -1]] * 3
    assert shares.tolist() == [[0.25] * 4 + [0.0] * 2] * 3
