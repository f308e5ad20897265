"""Networks of keras.applications, with random weights on small images: their cuts, and filters of a layer of each."""

import keras
import numpy as np
import pytest

from fm_keras.analysis import analyze
from fm_keras.settings import ProbeSettings
from fm_keras.slicing import cut_points, slice_model

SIDE, LABELS = 32, 4
# number of cuts; the first, one in the middle with the end of its chain, the last; units there
NETWORKS = {
    "EfficientNetB0": (90, ("stem_conv", "block3a_se_expand", "top_conv"), (32, 144, 1280), "top_activation"),
    "ResNet50": (69, ("conv1_conv", "conv3_block1_add", "conv5_block3_add"), (64, 512, 2048), "conv5_block3_out"),
    "MobileNetV2": (62, ("Conv1", "block_3_depthwise", "Conv_1"), (32, 144, 1280), "out_relu"),
    "DenseNet121": (178, ("conv1_conv", "conv3_block2_concat", "conv5_block16_concat"), (64, 192, 1024), "relu"),
    "ConvNeXtTiny": (
        76,
        (
            "convnext_tiny_stem/convnext_tiny_stem_conv",
            "convnext_tiny_stage_1_block_0_pointwise_conv_1",
            "convnext_tiny_stage_3_block_2_pointwise_conv_2",
        ),
        (96, 768, 768),
        "convnext_tiny_stage_3_block_2_pointwise_conv_2",
    ),
}


@pytest.fixture(scope="module")
def networks():
    """Each network, built when it is first asked for."""
    built = {}

    def network(name):
        if name not in built:
            keras.utils.set_random_seed(0)
            make = getattr(keras.applications, name)
            built[name] = make(weights=None, input_shape=(SIDE, SIDE, 3), classes=LABELS)
        return built[name]

    return network


@pytest.fixture(scope="module")
def images():
    labels = np.arange(16) % LABELS
    pixels = np.random.default_rng(0).integers(0, 200, (16, SIDE, SIDE, 3)) + 15 * labels[:, None, None, None]
    return pixels.astype("float32"), labels


@pytest.mark.parametrize("name", NETWORKS)
def test_a_published_network_is_cut_where_it_should_be(name, networks):
    count, layers, units, after = NETWORKS[name]
    cuts = cut_points(networks(name))
    found = {cut.layer: cut for cut in cuts}
    assert len(cuts) == len(found) == count
    assert cuts[0].layer == layers[0]
    assert [found[layer].units for layer in layers] == list(units)
    assert found[layers[-1]].after == after
    assert all(cut.macs for cut in cuts)


@pytest.mark.parametrize("name", NETWORKS)
def test_filters_of_a_published_network_are_measured_and_it_is_left_as_it_was(name, networks, images):
    network, layer = networks(name), NETWORKS[name][1][0]
    before = [weights.copy() for weights in network.get_weights()]
    trainable = [each.trainable for each in network._flatten_layers()]

    filters = analyze(network, images, test=images, layers=[layer], probe=ProbeSettings(epochs=1))[layer]

    x, labels = images
    seen = keras.ops.convert_to_numpy(slice_model(network, layer)(x, training=False))
    logits = seen.reshape(len(x), -1) @ filters.kernel.reshape(-1, LABELS)
    expected = np.stack([logits[labels == label].mean(axis=0) for label in range(LABELS)])
    np.testing.assert_allclose(filters.fields.sum(axis=0), expected, atol=1e-5 + 1e-4 * np.abs(expected).max())
    assert [each.trainable for each in network._flatten_layers()] == trainable
    for old, new in zip(before, network.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_network_fields_reach_through_a_published_network(networks, images):
    layers = NETWORKS["MobileNetV2"][1]
    analysis = analyze(networks("MobileNetV2"), images, test=images, layers=layers, fields="network")
    assert list(analysis.layers()["units"]) == list(NETWORKS["MobileNetV2"][2])
    assert all(np.isfinite(filters.fields).all() for filters in analysis)
    kernel = networks("MobileNetV2").layers[-1].kernel
    pooled = keras.ops.convert_to_numpy(slice_model(networks("MobileNetV2"), "Conv_1")(images[0], training=False))
    logits = pooled.mean(axis=(1, 2)) @ keras.ops.convert_to_numpy(kernel)
    expected = np.stack([logits[images[1] == label].mean(axis=0) for label in range(LABELS)])
    np.testing.assert_allclose(analysis["Conv_1"].fields.sum(axis=0), expected, atol=1e-6)
