"""Patches times the kernel are what the layer puts out, wherever it looks."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.models.graph import walk
from fm_keras.pruning.repairing.patches import Inputs, Patches, multiplies_patches

PLAIN = [
    ((9, 3), layers.Conv1D(4, 3, strides=2, padding="same")),
    ((9, 3), layers.Conv1D(4, 3, dilation_rate=2, padding="causal")),
    ((7, 8, 3), layers.Conv2D(4, (3, 2), padding="same")),
    ((7, 8, 3), layers.Conv2D(4, 3, strides=(2, 3), padding="same")),
    ((7, 8, 3), layers.Conv2D(4, 3, dilation_rate=2, padding="same")),
    ((7, 8, 3), layers.Conv2D(4, 3, strides=2, padding="valid")),
    ((4, 4, 5, 2), layers.Conv3D(3, 2, padding="same")),
    ((7, 8, 3), layers.Dense(4)),
    ((6,), layers.Dense(4)),
]


def patches_of(shape, layer, rng):
    image = keras.Input(shape)
    (call,) = walk(keras.Model(image, layer(image))).calls
    x = rng.normal(size=(5, *shape)).astype("float32")
    return Patches(call, x), ops.convert_to_numpy(layer(x))


@pytest.mark.parametrize(("shape", "layer"), PLAIN, ids=str)
def test_patches_times_the_kernel_are_what_the_layer_puts_out(shape, layer, rng):
    patches, made = patches_of(shape, layer, rng)
    images, places = np.array([3, 0]), rng.integers(0, patches.positions, (2, 4))
    found = patches.at(images, places)
    kernel = ops.convert_to_numpy(layer.kernel)
    assert patches.map == made.shape[1:-1]
    np.testing.assert_allclose(
        found.reshape(len(found), -1) @ kernel.reshape(-1, kernel.shape[-1]),
        patches.outputs_at(made, images, places),
        atol=1e-5,
    )


def test_a_group_reads_its_part_of_the_channels(rng):
    layer = layers.Conv2D(6, 3, groups=2, padding="same")
    patches, made = patches_of((5, 5, 4), layer, rng)
    inputs = Inputs(patches, places=10_000, group=(1, 2), bias=False, seed=0)
    (images, x), *rest = inputs.blocks(np.arange(5))
    targets = inputs.part(patches.outputs_at(made, images, inputs.positions[images]))
    assert not rest and x.shape == (5 * 25, 18)
    np.testing.assert_allclose(x @ ops.convert_to_numpy(layer.kernel)[..., 3:].reshape(18, 3), targets, atol=1e-5)


def test_positions_of_an_image_are_chosen_once_each_and_by_the_seed(rng):
    patches, _ = patches_of((7, 8, 3), layers.Conv2D(4, 3, padding="same"), rng)
    chosen = [Inputs(patches, places=100, group=(0, 1), bias=True, seed=seed).positions for seed in (0, 0, 1)]
    assert chosen[0].shape == (5, 20) and all(len(set(places)) == 20 for places in chosen[0].tolist())
    assert (chosen[0] == chosen[1]).all() and (chosen[0] != chosen[2]).any()


def test_what_has_no_kernel_over_patches_is_known():
    one_each = layers.Conv2D(4, 3, groups=4)
    one_each.build((None, 5, 5, 4))
    others = (one_each, layers.DepthwiseConv2D(3), layers.SeparableConv2D(4, 3), layers.BatchNormalization())
    assert not any(map(multiplies_patches, others))
