"""Heads of attention measured: their fields against silencing for real, both kinds of fields, on disk."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.analysis import HeadAnalysis, analyze, analyze_heads
from fm_keras.data import Dataset, Split
from fm_keras.errors import InvalidInput
from fm_keras.models import expose_heads
from fm_keras.settings import ProbeSettings
from fm_keras.slicing import fit_probes, slice_model, unit_contributions

# Keras' Variable.__array__ has no `copy` argument, which NumPy 2 warns of whenever weights are read.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

QUICK = ProbeSettings(epochs=2)
HEADS, NODES = 2, 3


@pytest.fixture
def transformer() -> keras.Model:
    """Images as 36 tokens, two attention layers of two heads with three nodes, the first in a nested model."""
    keras.utils.set_random_seed(0)
    inside = keras.Input((36, 4))
    attention = layers.MultiHeadAttention(HEADS, NODES, name="attention")
    block = keras.Model(inside, layers.Add()([inside, attention(inside, inside)]), name="block")
    image = keras.Input((6, 6, 2))
    x = block(layers.Dense(4, name="embed")(layers.Reshape((36, 2))(image)))
    x = layers.MultiHeadAttention(HEADS, NODES, name="last")(x, x)
    return keras.Model(image, layers.Dense(4, name="out")(layers.GlobalAveragePooling1D()(x)), name="attentive")


def by_label(values, labels):
    return np.array([values[labels == label].mean(axis=0) for label in range(4)])


def test_the_field_of_a_head_is_what_the_probe_says_with_all_other_heads_silent(transformer, blobs):
    measured = analyze_heads(transformer, blobs, probe=QUICK)
    exposed = expose_heads(transformer)
    for layer, name in (("block/attention", "block__attention_heads"), ("last", "last_heads")):
        kernel = fit_probes(exposed, blobs, layers=[name], settings=QUICK)[name].kernel
        activations = np.asarray(slice_model(exposed, name)(blobs.test.images))
        for head in range(HEADS):
            silent = np.zeros(HEADS * NODES, bool)
            silent[head * NODES : (head + 1) * NODES] = True
            logits = np.einsum("npu,puk->nk", activations * silent, kernel)
            expected = by_label(logits, blobs.test.labels)
            np.testing.assert_allclose(measured.heads[layer].fields[head], expected, rtol=1e-3, atol=1e-4)


def test_the_network_field_of_a_head_is_the_mean_contribution_of_its_nodes(transformer, blobs):
    measured = analyze_heads(transformer, blobs, fields="network").heads["last"]
    _, found = unit_contributions(expose_heads(transformer), blobs.test.images, layers=["last_heads"])
    of_heads = found["last_heads"].reshape(len(blobs.test), HEADS, NODES, -1).sum(axis=2)
    expected = by_label(of_heads, blobs.test.labels).transpose(1, 0, 2)
    np.testing.assert_allclose(measured.fields, expected, rtol=1e-3, atol=1e-5)


def test_a_head_is_measured_as_a_filter_with_its_field_would_be(transformer, blobs):
    measured = analyze_heads(transformer, blobs, layers=["last"], fields="both", probe=QUICK)
    table = measured.table()
    assert list(table)[:4] == ["layer", "head", "nodes", "n_clusters"]
    assert table[["layer", "head", "nodes"]].to_numpy().tolist() == [["last", 0, NODES], ["last", 1, NODES]]
    filters = measured.heads["last"]
    np.testing.assert_array_equal(table["signal"], (filters.cluster_of >= 0).sum(axis=1))
    np.testing.assert_allclose(table["strength"], filters.fields.max(axis=(1, 2)))
    assert "quality" not in table
    assert "quality" in measured.nodes.filters()
    assert len(measured.heads.network["last"]) == HEADS


def test_the_nodes_are_those_that_analyze_measures_before_the_projection(transformer, blobs):
    measured = analyze_heads(transformer, blobs, layers=["last"], probe=QUICK)
    expected = analyze(expose_heads(transformer), blobs, layers=["last_heads"], probe=QUICK)
    pd.testing.assert_frame_equal(measured.nodes["last"].table, expected["last_heads"].table)
    assert [each.layer for each in measured.nodes] == ["last"]


def test_holders_count_the_nodes_of_a_head_that_hold_each_label(transformer, blobs):
    measured = analyze_heads(transformer, blobs, layers=["last"], probe=QUICK)
    clusters = [[0, 0, -1, 1], [0, -1, -1, -1], [-1] * 4, [-1, -1, 0, 0], [-1, 0, 0, 0], [0, -1, 1, -1]]
    nodes = dataclasses.replace(measured.nodes["last"], cluster_of=np.array(clusters))
    counted = HeadAnalysis(measured.heads, dataclasses.replace(measured.nodes, measured=(nodes,))).holders()
    assert list(counted) == ["layer", "head", *blobs.label_names]
    assert counted.iloc[:, 1:].to_numpy().tolist() == [[0, 2, 1, 0, 1], [1, 1, 1, 3, 2]]


def test_one_head_shows_itself_as_a_head(transformer, blobs, message_of):
    measured = analyze_heads(transformer, blobs, layers=["last"], probe=QUICK)
    view = measured.head("last", 1)
    assert view.title.startswith("last, head 1 of 2: ")
    np.testing.assert_array_equal(view.field, measured.heads["last"].fields[1])
    assert message_of(measured.head, "last", 2) == "last has heads 0 to 1; there is no 2."


def test_heads_that_are_saved_and_loaded_are_the_same(transformer, blobs, tmp_path):
    measured = analyze_heads(transformer, blobs, fields="both", probe=QUICK)
    measured.save(tmp_path / "heads")
    loaded = HeadAnalysis.load(tmp_path / "heads")
    pd.testing.assert_frame_equal(loaded.table(), measured.table())
    pd.testing.assert_frame_equal(loaded.holders(), measured.holders())
    for layer in ("block/attention", "last"):
        np.testing.assert_array_equal(loaded.heads[layer].fields, measured.heads[layer].fields)


def test_a_layer_without_heads_is_refused(transformer, blobs):
    with pytest.raises(InvalidInput, match=r"has no heads in 'embed'\. It has some in: block/attention, last\."):
        analyze_heads(transformer, blobs, layers=["embed"])


def test_preprocessing_may_change_the_shape_of_images(transformer, blobs):
    def doubled(images):
        return keras.ops.repeat(images, 2, axis=2)

    splits = [Split(each.images[:, :, :3], each.labels) for each in (blobs.train, blobs.test)]
    narrow = Dataset("narrow", *splits, blobs.label_names)
    splits = [Split(np.repeat(each.images, 2, axis=2), each.labels) for each in splits]
    wide = Dataset("wide", *splits, blobs.label_names)
    found = analyze_heads(transformer, narrow, layers=["last"], probe=QUICK, preprocess=doubled)
    expected = analyze_heads(transformer, wide, layers=["last"], probe=QUICK)
    pd.testing.assert_frame_equal(found.table(), expected.table(), rtol=1e-5)


def test_some_layers_alone_keep_what_was_measured_of_them(transformer, blobs):
    measured = analyze_heads(transformer, blobs, fields="both", probe=QUICK)
    alone = measured.only(["last"])
    table = measured.table()
    pd.testing.assert_frame_equal(alone.table(), table[table["layer"] == "last"].reset_index(drop=True))
    assert [each.layer for each in alone.nodes] == [each.layer for each in alone.heads.network] == ["last"]
