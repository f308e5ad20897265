"""Scores from weights, against loops over the units that write every slice out."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.pruning import batch_norm_scale, fpgm, kernel_l1
from fm_keras.slicing import cut_points

NORMS = {"kernel_l1": kernel_l1, "fpgm": fpgm}


def score_of(name, slices):
    """The definitions, unit by unit."""
    flat = [np.ravel(part).astype(float) for part in slices]
    if name == "kernel_l1":
        return [sum(abs(weight) for weight in part) for part in flat]
    return [sum(np.sqrt(((one - other) ** 2).sum()) for other in flat) for one in flat]


def ending(x):
    """The same tensor read by an output, so that it can be cut before it."""
    return layers.Dense(2)(layers.Flatten()(x))


def unit_last(layer):
    kernel = layer.get_weights()[0]
    return [kernel[..., unit] for unit in range(kernel.shape[-1])]


def unit_before_last(layer):
    kernel = layer.get_weights()[0]
    return [kernel[..., unit, :] for unit in range(kernel.shape[-2])]


def each_multiple_of_each_channel(layer):
    kernel = layer.get_weights()[0]
    return [kernel[..., c, m] for c in range(kernel.shape[-2]) for m in range(kernel.shape[-1])]


def unit_of_pointwise(layer):
    kernel = layer.get_weights()[1]
    return [kernel[..., unit] for unit in range(kernel.shape[-1])]


def unit_in_front(layer):
    kernel = layer.get_weights()[0]
    return list(kernel)


MAP, TOKENS = (6, 6, 4), (6, 4)
KERNELS = {
    "conv": (MAP, layers.Conv2D(5, 3), unit_last),
    "1D": (TOKENS, layers.Conv1D(5, 3), unit_last),
    "3D": ((4, 4, 4, 2), layers.Conv3D(3, 2), unit_last),
    "grouped": (MAP, layers.Conv2D(6, 3, groups=2), unit_last),
    "channels first": (MAP, layers.Conv2D(5, 3, data_format="channels_first"), unit_last),
    "transposed": (MAP, layers.Conv2DTranspose(5, 3), unit_before_last),
    "depthwise": (MAP, layers.DepthwiseConv2D(3, depth_multiplier=2), each_multiple_of_each_channel),
    "depthwise 1D": (TOKENS, layers.DepthwiseConv1D(3), each_multiple_of_each_channel),
    "separable": (MAP, layers.SeparableConv2D(5, 3, depth_multiplier=2), unit_of_pointwise),
    "dense": ((7,), layers.Dense(5), unit_last),
    "tokens": (TOKENS, layers.Dense(5), unit_last),
    "einsum": (TOKENS, layers.EinsumDense("abc,dc->abd", output_shape=(6, 5)), unit_in_front),
    "einsum over any axes": (TOKENS, layers.EinsumDense("...c,cd->...d", output_shape=5), unit_last),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize(("shape", "layer", "slices"), KERNELS.values(), ids=KERNELS.keys())
def test_scores_of_kernels_are_those_of_each_unit_written_out(name, shape, layer, slices):
    layer = type(layer).from_config({**layer.get_config(), "name": "made", "bias_initializer": "ones"})
    x = keras.Input(shape)
    model = keras.Model(x, ending(layer(x)))
    found = NORMS[name](model, layers=["made"])
    np.testing.assert_allclose(found, score_of(name, slices(layer)), rtol=1e-6)
    assert len(found) == cut_points(model)[0].units
    assert np.ptp(found) > 0


def test_depthwise_units_are_the_channels_that_the_layer_puts_out(rng):
    x = keras.Input((5, 5, 3))
    layer = layers.DepthwiseConv2D(2, depth_multiplier=2, name="made", use_bias=False)
    model = keras.Model(x, ending(layer(x)))
    kernel = np.zeros(layer.get_weights()[0].shape)
    kernel[:, :, 1, 1] = 1
    layer.set_weights([kernel])
    lit = np.asarray(layer(rng.uniform(1, 2, (1, 5, 5, 3)))).any(axis=(0, 1, 2))
    np.testing.assert_array_equal(kernel_l1(model) > 0, lit)


def test_all_scores_list_the_same_units_in_the_order_of_the_cuts(network):
    expected = [(cut.layer, unit) for cut in cut_points(network) for unit in range(cut.units)]
    assert [layer for layer, unit in expected if unit == 0] == ["block/conv", "side", "add", "hidden"]
    for name, score in {**NORMS, "batch_norm_scale": batch_norm_scale}.items():
        found = score(network)
        assert (found.name, found.index.names) == (name, ["layer", "filter"])
        assert list(found.index) == expected
        pd.testing.assert_series_equal(score(network, layers=["hidden", "side"]), found[["side", "hidden"]])


def test_what_no_kernel_makes_has_no_score():
    x = keras.Input((6, 4))
    y = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    y = layers.LSTM(3, return_sequences=True, name="lstm")(layers.Add(name="add")([x, y]))
    model = keras.Model(x, ending(layers.Concatenate(name="join")([x, y])))
    for score in NORMS.values():
        found = score(model)
        assert list(found.groupby("layer", sort=False).size().items()) == [
            ("attention", 4),
            ("add", 4),
            ("lstm", 3),
            ("join", 7),
        ]
        assert found.isna().all()


def test_equal_kernels_have_no_distance(rng):
    x = keras.Input((7,))
    model = keras.Model(x, ending(layers.Dense(4, name="made")(x)))
    one = rng.normal(size=(7, 1))
    model.get_layer("made").set_weights([np.repeat(one, 4, axis=1), np.zeros(4)])
    np.testing.assert_allclose(fpgm(model), 0, atol=1e-6)


def test_known_distances():
    x = keras.Input((2,))
    model = keras.Model(x, ending(layers.Dense(3, name="made")(x)))
    model.get_layer("made").set_weights([np.array([[0, 3, 0], [0, 0, 4]]), np.zeros(3)])
    assert fpgm(model).tolist() == pytest.approx([3 + 4, 3 + 5, 4 + 5])
    assert kernel_l1(model).tolist() == [0, 3, 4]


def test_units_in_another_order_take_their_scores_along(network, rng):
    conv, norm = network.get_layer("block").get_layer("conv"), network.get_layer("block").get_layer("bn")
    scores = {score: score(network)["block/conv"] for score in (kernel_l1, fpgm, batch_norm_scale)}
    order = np.array([2, 0, 3, 1])
    for layer in (conv, norm):
        layer.set_weights([weights[..., order] for weights in layer.get_weights()])
    for score, before in scores.items():
        np.testing.assert_allclose(score(network)["block/conv"], before.to_numpy()[order], rtol=1e-6)


def test_the_scale_is_that_of_the_batch_norm_behind_the_layer(network):
    found = batch_norm_scale(network)
    gamma = network.get_layer("block").get_layer("bn").get_weights()[0]
    assert (gamma < 0).any()
    np.testing.assert_array_equal(found["block/conv"], np.abs(gamma))
    assert found[["side", "add", "hidden"]].isna().all()


def scale_after(*followers, first=layers.Dense):
    x = keras.Input((6, 6, 4))
    y = first(4, name="made")(x) if first is layers.Dense else first(name="made")([x, x])
    for follower in followers:
        y = follower(y)
        if getattr(follower, "scale", False):
            follower.gamma.assign(np.arange(1, y.shape[follower.axis] + 1))
    return batch_norm_scale(keras.Model(x, ending(y)), layers=["made"]).tolist()


def test_the_scale_is_found_behind_activations_and_merges_and_the_first_counts():
    assert scale_after(layers.ReLU(), layers.BatchNormalization()) == [1, 2, 3, 4]
    assert scale_after(layers.BatchNormalization(), first=layers.Add) == [1, 2, 3, 4]
    assert scale_after(layers.BatchNormalization(), first=layers.Concatenate) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert np.isnan(scale_after(layers.BatchNormalization(scale=False), layers.BatchNormalization())).all()


def test_a_norm_over_positions_or_behind_the_cut_scales_no_unit():
    assert np.isnan(scale_after(layers.BatchNormalization(axis=1))).all()
    assert np.isnan(scale_after(layers.Reshape((36, 4)), layers.BatchNormalization())).all()


def test_with_channels_first_the_norm_over_channels_counts():
    x = keras.Input((2, 6, 6))
    y = layers.Conv2D(3, 3, data_format="channels_first", name="made")(x)
    norm = layers.BatchNormalization(axis=1)
    model = keras.Model(x, ending(layers.ReLU()(norm(y))))
    norm.gamma.assign([-3, 2, 1])
    assert batch_norm_scale(model).tolist() == [3, 2, 1]


def test_both_calls_of_a_shared_layer_have_its_scores():
    x = keras.Input((4,))
    shared = layers.Dense(4, name="shared")
    found = kernel_l1(keras.Model(x, ending(shared(layers.ReLU()(shared(x))))))
    assert list(found["shared"]) == list(found["shared:2"])
