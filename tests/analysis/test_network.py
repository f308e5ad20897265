"""Network fields and quality in an analysis: without a probe, beside one, and in every table."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.analysis import analyze, quality_tables
from fm_keras.filters import find_clusters, measure_filters, threshold_fields
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import measure_network

PROBE = ProbeSettings(epochs=2, batch_size=16)
QUALITY = ["quality", "quality_low", "quality_high"]
LAYER_QUALITY = ["quality", "quality_below_zero", "quality_around_zero"]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A convolution, a hidden layer with a dead unit, and a softmax of four labels."""
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 3, activation="relu", name="conv")(image)
    hidden = layers.Dense(7, activation="relu", name="hidden")
    x = layers.Dense(4, "softmax", name="out")(hidden(layers.Flatten()(x)))
    hidden.bias.assign([-100, 0, 0, 0, 0, 0, 0])
    return keras.Model(image, x, name="four")


@pytest.fixture
def measures(model, blobs):
    return measure_network(model, blobs)


def test_network_fields_train_no_probe_and_go_the_way_of_probe_fields(model, blobs, measures):
    steps = []

    analysis = analyze(model, blobs, fields="network", progress=steps.append)

    assert {step.stage for step in steps} == {"network"}
    assert analysis.probe is None and analysis.network is None
    assert (analysis.settings.fields, analysis.images) == ("network", 40)
    assert analysis.loss == pytest.approx(measures.loss, rel=1e-5)
    assert [filters.layer for filters in analysis] == ["conv", "hidden"]
    for filters in analysis:
        fields = measures.fields[filters.layer]
        above = threshold_fields(fields)
        np.testing.assert_allclose(filters.fields, fields, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(filters.cluster_of, find_clusters(above))
        expected = measure_filters(above, find_clusters(above), fields)
        pd.testing.assert_frame_equal(filters.table[list(expected)], expected, rtol=1e-4)
        assert filters.class_means is None and filters.kernel is None and np.isnan(filters.accuracy)


def test_both_kinds_stand_side_by_side_with_one_quality(model, blobs, measures):
    both = analyze(model, blobs, fields="both", probe=PROBE)
    alone = analyze(model, blobs, fields="probe", probe=PROBE)

    for one, other in zip(both, alone, strict=True):
        np.testing.assert_allclose(one.fields, other.fields, rtol=1e-3, atol=1e-5)
        assert one.accuracy == other.accuracy and list(one.table) == [*other.table, *QUALITY]
    for filters in (*both, *both.network):
        found = filters.table[QUALITY]
        np.testing.assert_allclose(found, measures.quality[filters.layer], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(both.network["conv"].fields, measures.fields["conv"], rtol=1e-4, atol=1e-6)
    assert (both.probe, both.network.probe, both.network.network) == (PROBE, None, None)
    assert (both.settings.fields, both.network.settings.fields, alone.settings.fields) == ("both", "network", "probe")


def test_tables_have_the_columns_of_quality(model, blobs):
    analysis = analyze(model, blobs, fields="network")
    filters, layer_table = analysis.filters(), analysis.layers()

    assert list(filters)[-3:] == QUALITY and list(layer_table)[-3:] == LAYER_QUALITY
    for row in layer_table.itertuples():
        found = filters[filters["layer"] == row.layer]
        assert row.quality == pytest.approx(found["quality"].clip(lower=0).sum())
        assert row.quality_below_zero == pytest.approx((found["quality"] < 0).mean())
        around = (found["quality_low"] <= 0) & (found["quality_high"] >= 0)
        assert row.quality_around_zero == pytest.approx(around.mean())
    dead = filters.query("layer == 'hidden'").iloc[0]
    assert dead["dead"] and (dead[QUALITY] == 0).all()
    assert not {*QUALITY, *LAYER_QUALITY} & {*analyze(model, blobs, probe=PROBE).layers()}


def test_what_fields_are_is_said_in_words(model, blobs):
    analysis = analyze(model, blobs, fields="network", settings=AnalysisSettings(images=20))
    assert analysis.source == f"network fields over {analysis.images} test images of blobs"
    assert analysis.filter("hidden", 2).source == analysis.source


def test_network_fields_of_other_labels_than_logits_are_refused_before_probes_are_trained(blobs, network, message_of):
    steps = []
    message = message_of(lambda: analyze(network, blobs, fields="both", progress=steps.append))
    assert message.startswith("Model 'network' has 3 logits, but blobs has 4 labels.")
    assert steps == []


def test_an_unknown_kind_of_fields_is_refused(model, blobs, message_of):
    assert message_of(lambda: analyze(model, blobs, fields="mine")).startswith("Setting fields: ")


def test_quality_alone_makes_the_same_rows_as_with_fields(model, blobs, measures):
    analysis = analyze(model, blobs, fields="network")
    by_layer, by_filter = quality_tables(measures)

    assert list(by_layer) == ["layer", "units", *LAYER_QUALITY] and list(by_filter) == ["layer", "filter", *QUALITY]
    pd.testing.assert_frame_equal(by_layer, analysis.layers()[list(by_layer)], rtol=1e-3, atol=1e-5)
    pd.testing.assert_frame_equal(by_filter, analysis.filters()[list(by_filter)], rtol=1e-3, atol=1e-5)
