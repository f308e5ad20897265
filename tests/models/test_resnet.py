"""ResNet for small images: sizes of the paper, names, residual blocks, cuts."""

from math import prod

import keras
import numpy as np
import pytest

from fm_keras.models import ModelSpec, build_model, count_operations
from fm_keras.slicing import cut_points

# Keras' Variable.__array__ has no `copy` argument, which NumPy 2 warns of whenever weights are read.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def shortcuts(model):
    return [layer for layer in model.layers if "_shortcut" in layer.name]


def images(number, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, 32, 32, 3)).astype("uint8")


@pytest.mark.parametrize(("layers", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)])
def test_outside_the_shortcuts_there_are_as_many_parameters_as_the_paper_says(layers, millions):
    model = build_model(ModelSpec(name=f"resnet{layers}"))
    outside = [layer for layer in model.layers if layer not in shortcuts(model)]
    trainable = sum(prod(weight.shape) for layer in outside for weight in layer.trainable_weights)
    assert round(trainable / 1e6, 2) == millions


@pytest.mark.parametrize("layers", [20, 32, 44, 56])
def test_the_number_in_a_name_counts_convolutions_outside_the_shortcuts_and_the_dense_layer(layers):
    model = build_model(ModelSpec(name=f"resnet{layers}", width=2))
    counted = [each for each in model.layers if isinstance(each, keras.layers.Conv2D | keras.layers.Dense)]
    assert len([each for each in counted if each not in shortcuts(model)]) == layers


def test_resnet20_of_width_16_takes_40_8_million_operations():
    counted = count_operations(build_model(ModelSpec(name="resnet20")))
    first = 32**2 * 9 * 3 * 16
    stage2 = 6 * 32**2 * 9 * 16 * 16
    stage3 = 16**2 * (9 * 16 * 32 + 5 * 9 * 32 * 32)
    stage4 = 8**2 * (9 * 32 * 64 + 5 * 9 * 64 * 64)
    in_shortcuts = 16**2 * 16 * 32 + 8**2 * 32 * 64
    assert {path: macs for path, macs in counted.items() if macs and "shortcut" in path} == {
        "stage3_block1_shortcut": 16**2 * 16 * 32,
        "stage4_block1_shortcut": 8**2 * 32 * 64,
    }
    assert sum(counted.values()) == first + stage2 + stage3 + stage4 + in_shortcuts + 64 * 10 == 40_813_184


def test_layers_are_named_by_stage_and_block():
    names = [layer.name for layer in build_model(ModelSpec(name="resnet20", width=2)).layers]
    block = "stage2_block1"
    assert names[:5] == ["image", "scale", "conv1", "conv1_bn", "conv1_relu"]
    assert names[5:13] == [
        *(f"{block}_conv1", f"{block}_conv1_bn", f"{block}_conv1_relu", f"{block}_conv2", f"{block}_conv2_bn"),
        *(f"{block}_add", f"{block}_add_relu", "stage2_block2_conv1"),
    ]
    assert names[-5:] == ["stage4_block3_add", "stage4_block3_add_relu", "pool", "flatten", "predictions"]


@pytest.mark.parametrize("batch_norm", [True, False])
def test_it_can_be_cut_inside_blocks_after_the_relu_and_after_adds_after_theirs(batch_norm):
    cuts = cut_points(build_model(ModelSpec(name="resnet20", width=2, batch_norm=batch_norm)))
    bare = "_bn" if batch_norm else ""
    expected = [("conv1", "conv1_relu", 2, (32, 32))]
    for stage, units, side in ((2, 2, 32), (3, 4, 16), (4, 8, 8)):
        for block in (1, 2, 3):
            name = f"stage{stage}_block{block}"
            ends = {"conv1": "_relu", "conv2": bare, "add": "_relu"}
            if stage > 2 and block == 1:
                ends = {"shortcut": bare, **ends}
            expected += [
                (f"{name}_{layer}", f"{name}_{layer}{end}", units, (side, side)) for layer, end in ends.items()
            ]
    assert [(cut.layer, cut.after, cut.units, cut.positions) for cut in cuts] == expected
    assert {cut.layer for cut in cuts if cut.kind == "add"} == {path for path, *_ in expected if path.endswith("_add")}


def test_a_block_whose_second_convolution_is_silent_passes_on_what_it_got():
    model = build_model(ModelSpec(name="resnet20", width=2, batch_norm=False))
    for block in (1, 2, 3):
        kernel = model.get_layer(f"stage2_block{block}_conv2").kernel
        kernel.assign(np.zeros(kernel.shape))
    layers = [model.get_layer(name).output for name in ("conv1_relu", "stage2_block3_add_relu")]
    before, after = keras.Model(model.input, layers)(images(2))
    assert np.asarray(before).any()
    np.testing.assert_array_equal(np.asarray(after), np.asarray(before))


def test_the_output_reads_the_average_over_the_map():
    model = build_model(ModelSpec(name="resnet20", width=2))
    features = keras.Model(model.input, model.get_layer("stage4_block3_add_relu").output)(images(3))
    head = model.get_layer("predictions")
    expected = np.asarray(features).mean(axis=(1, 2)) @ np.asarray(head.kernel) + np.asarray(head.bias)
    np.testing.assert_allclose(np.asarray(model(images(3))), expected, rtol=1e-5, atol=1e-5)


def test_it_loads_in_safe_mode_with_the_same_logits(tmp_path):
    model = build_model(ModelSpec(name="resnet20", width=2))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(np.asarray(loaded(images(2))), np.asarray(model(images(2))))
