import keras
import numpy as np
import pandas as pd
import pytest

import fm_keras
from fm_keras.analysis import analyze, plan_analysis
from fm_keras.errors import BadActivations, InvalidInput
from fm_keras.filters import filter_fields
from fm_keras.settings import AnalysisSettings, ProbeSettings

PROBE = ProbeSettings(epochs=5, batch_size=16)


@pytest.fixture
def analysis(network, blobs):
    return analyze(network, blobs, probe=PROBE)


def test_the_tables_have_the_documented_columns(analysis):
    assert list(analysis.layers()) == (
        "layer units positions accuracy n_clusters cluster_size signal noise noise_clustered snr dead label_cv".split()
    )
    counts = "layer filter n_clusters cluster_sizes labels signal internal_noise external_noise column_noise"
    assert list(analysis.filters()) == f"{counts} snr strength dead".split()


def test_layers_come_in_depth_order_with_all_their_units(analysis):
    assert list(analysis.layers()["layer"]) == ["block/conv", "hidden"]
    assert list(analysis.layers()["positions"]) == ["3 x 3", "-"]
    assert analysis.filters().groupby("layer", sort=False).size().to_dict() == {"block/conv": 5, "hidden": 7}


def test_an_analysis_is_indexed_by_layer(analysis):
    assert len(analysis) == 2
    assert "hidden" in analysis and "conv" not in analysis
    assert [filters.layer for filters in analysis] == ["block/conv", "hidden"]
    assert analysis["hidden"].fields.shape == (7, 4, 4)
    with pytest.raises(InvalidInput) as error:
        analysis["conv9"]
    assert str(error.value) == "No layer 'conv9' was measured. There are: block/conv, hidden."


def test_the_fields_follow_from_class_means_and_kernel(analysis):
    filters = analysis["block/conv"]
    np.testing.assert_array_equal(filters.fields, filter_fields(filters.class_means, filters.kernel))
    blocks = dict(filters.field_blocks())
    np.testing.assert_array_equal(np.concatenate(list(blocks.values())), filters.fields)


def test_the_reference_engine_silences_for_real_and_agrees(network, blobs, analysis):
    reference = analyze(network, blobs, probe=PROBE, settings=AnalysisSettings(engine="reference"))
    for fast, slow in zip(analysis, reference):
        np.testing.assert_allclose(slow.fields, fast.fields, atol=1e-5)
    pd.testing.assert_frame_equal(reference.filters(), analysis.filters(), rtol=1e-4)


def test_the_network_is_left_as_it_was(network, blobs):
    network.get_layer("hidden").trainable = False
    network.compile("adam", loss="mse")
    optimizer, before = network.optimizer, network.get_weights()
    calls = len(network.get_layer("hidden")._inbound_nodes)
    analyze(network, blobs, probe=PROBE)
    assert network.optimizer is optimizer
    assert [layer.trainable for layer in network.layers].count(False) == 1
    assert len(network.get_layer("hidden")._inbound_nodes) == calls
    for a, b in zip(network.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_arrays_are_enough_and_labels_may_be_one_hot(network, blobs):
    x, y = blobs.train.images, blobs.train.labels
    test = (blobs.test.images, np.eye(4)[blobs.test.labels])
    names = blobs.label_names
    numbers = analyze(network, (x, y), test=(blobs.test.images, blobs.test.labels), label_names=names, probe=PROBE)
    one_hot = analyze(network, (x, np.eye(4)[y]), test=test, label_names=names, probe=PROBE)
    pd.testing.assert_frame_equal(numbers.filters(), one_hot.filters())


def test_without_test_images_a_fifth_is_held_out(network, blobs):
    labels = np.arange(60) % 4
    assert analyze(network, (blobs.train.images, labels), probe=PROBE).images == 12


def test_preprocessing_is_applied_to_every_pass(network, blobs):
    def halve(images):
        return images / 2

    halved = fm_keras.data.Dataset(
        "halved",
        fm_keras.data.Split(blobs.train.images / 2, blobs.train.labels),
        fm_keras.data.Split(blobs.test.images / 2, blobs.test.labels),
        blobs.label_names,
    )
    pd.testing.assert_frame_equal(
        analyze(network, blobs, preprocess=halve, probe=PROBE).filters(),
        analyze(network, halved, probe=PROBE).filters(),
        rtol=1e-5,
    )


def test_preprocessing_may_change_the_shape_of_images(network, blobs):
    splits = [fm_keras.data.Split(each.images[..., :1], each.labels) for each in (blobs.train, blobs.test)]
    gray = fm_keras.data.Dataset("gray", *splits, blobs.label_names)
    splits = [fm_keras.data.Split(np.repeat(each.images, 2, axis=-1), each.labels) for each in splits]
    colored = fm_keras.data.Dataset("colored", *splits, blobs.label_names)

    pd.testing.assert_frame_equal(
        analyze(network, gray, preprocess=lambda x: keras.ops.repeat(x, 2, axis=-1), probe=PROBE).filters(),
        analyze(network, colored, probe=PROBE).filters(),
        rtol=1e-5,
    )


def test_only_the_layers_asked_for_are_measured(network, blobs):
    assert len(analyze(network, blobs, layers=["hidden"], probe=PROBE)) == 1
    with pytest.raises(InvalidInput) as error:
        analyze(network, blobs, layers=["out"])
    assert str(error.value) == (
        "Model 'network' cannot be cut at 'out': it has no units of its own, is the output, or its map has no fixed "
        "size. It can be cut at: block/conv, hidden."
    )


def test_a_layer_that_diverged_is_named(blobs):
    # A rectified NaN is zero on some devices: the layer is linear here.
    hidden = keras.layers.Dense(7, name="hidden")
    network = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Flatten(), hidden, keras.layers.Dense(4)])
    kernel, bias = hidden.get_weights()
    bias[2] = np.nan
    hidden.set_weights([kernel, bias])
    with pytest.raises(BadActivations) as error:
        analyze(network, blobs, probe=PROBE)
    assert str(error.value) == (
        "Layer 'hidden' puts out NaN or infinite values in 1 of 7 units on the test images. "
        "Look for diverged weights: a smaller learning rate may do."
    )


def test_a_label_without_test_images_is_named(network, blobs):
    kept = blobs.test.labels != 2
    test = (blobs.test.images[kept], blobs.test.labels[kept])
    with pytest.raises(InvalidInput, match="has no image of label 'NA'"):
        analyze(network, (blobs.train.images, blobs.train.labels), test=test, label_names=blobs.label_names)


def test_a_label_without_training_images_is_named(network, blobs):
    kept = blobs.train.labels != 1
    train = (blobs.train.images[kept], blobs.train.labels[kept])
    with pytest.raises(InvalidInput, match="split train has no image of label 'b'"):
        analyze(network, train, test=(blobs.test.images, blobs.test.labels), label_names=blobs.label_names)


def test_images_that_do_not_fit_are_refused(network, rng):
    with pytest.raises(InvalidInput, match=r"takes images of shape \(6, 6, 2\), but those of arrays are \(5, 5, 2\)"):
        analyze(network, (rng.normal(size=(20, 5, 5, 2)), np.arange(20) % 2))


def test_several_named_inputs_are_analyzed(rng):
    left, right = keras.Input((4,), name="left"), keras.Input((3,), name="right")
    joined = keras.layers.Concatenate(name="joined")([keras.layers.Dense(5, name="one")(left), right])
    model = keras.Model({"left": left, "right": right}, keras.layers.Dense(2)(joined))
    x = {"left": rng.normal(size=(40, 4)), "right": rng.normal(size=(40, 3))}
    analysis = analyze(model, (x, (x["right"][:, 0] > 0).astype(int)), probe=PROBE)
    assert list(analysis.layers()["units"]) == [5, 8]


def test_the_plan_says_what_every_layer_needs_and_trains_nothing(network, blobs):
    plan = plan_analysis(network, blobs, probe=PROBE)
    assert list(plan["layer"]) == ["block/conv", "hidden"]
    assert list(plan["macs"]) == [36 * 9 * 2 * 5, 36 * 9 * 2 * 5 + 45 * 7]
    assert set(plan["train_passes"]) == {5}
    assert set(plan_analysis(network, blobs, settings=AnalysisSettings(memory_limit=1e-6))["group"]) == {1, 2}


def test_the_five_verbs_open_lazily():
    assert fm_keras.analyze is analyze
    with pytest.raises(AttributeError, match="analyse"):
        fm_keras.analyse  # noqa: B018
