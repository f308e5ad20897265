"""Compact convolutional transformers: tokens, encoder blocks, sequence pooling, cuts, operations."""

import keras
import numpy as np
import pytest

from fm_keras.models import ModelSpec, build_model, count_operations
from fm_keras.slicing import cut_points
from fm_keras.training.twin import training_twin

# Keras' Variable.__array__ has no `copy` argument, which NumPy 2 warns of whenever weights are read.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def images(number, side=32, channels=3):
    return np.random.default_rng(0).integers(0, 256, (number, side, side, channels)).astype("uint8")


def small(**changes):
    keras.utils.set_random_seed(0)
    return build_model(ModelSpec(**{"name": "cct2", "width": 4, "heads": 2, "image_shape": (16, 16, 1), **changes}))


def outputs(model, names, x):
    return [np.asarray(each) for each in keras.Model(model.input, [model.get_layer(name).output for name in names])(x)]


@pytest.mark.parametrize(("side", "tokens"), [(8, 16), (16, 16), (28, 49), (32, 64), (64, 256)])
def test_two_pools_make_a_token_of_each_square_of_four_by_four_pixels(side, tokens):
    model = build_model(ModelSpec(name="cct2", width=4, image_shape=(side, side, 1)))
    assert model.get_layer("positions").output.shape == (None, tokens, 4)


@pytest.mark.parametrize(("name", "blocks", "ratio"), [("cct2", 2, 1), ("cct4", 4, 1), ("cct7", 7, 2)])
def test_the_number_in_a_name_counts_encoder_blocks(name, blocks, ratio):
    model = build_model(ModelSpec(name=name, width=8))
    attention = [layer for layer in model.layers if isinstance(layer, keras.layers.MultiHeadAttention)]
    assert [layer.name for layer in attention] == [f"block{block}_attention" for block in range(1, blocks + 1)]
    assert {(layer.num_heads, layer.key_dim) for layer in attention} == {(4, 2)}
    assert {model.get_layer(f"block{block}_hidden").units for block in range(1, blocks + 1)} == {8 * ratio}


def test_the_small_network_of_the_paper_has_its_280_thousand_parameters():
    """CCT-2/3x2 for CIFAR-10: 0.28 M parameters (arXiv:2104.05704)."""
    model = build_model(ModelSpec(name="cct2", width=128, heads=2))
    assert round(model.count_params() / 1e6, 2) == 0.28


def test_width_and_heads_need_not_fit():
    model = build_model(ModelSpec(name="cct2", width=10, heads=4))
    assert model.get_layer("block1_attention").key_dim == 3
    assert model.get_layer("block1_attention").output.shape == (None, 64, 10)


def test_each_token_has_biases_of_its_own():
    model = small()
    before, after = outputs(model, ["tokens", "positions"], images(2, 16, 1))
    kernel, bias = model.get_layer("positions").get_weights()
    assert (kernel.shape, bias.shape) == ((4,), (16, 4))
    np.testing.assert_array_equal(kernel, 1)
    np.testing.assert_allclose(after, before + bias, rtol=1e-6)
    assert np.unique(bias).size == bias.size


def test_a_block_whose_two_parts_put_out_nothing_passes_on_what_it_got():
    model = small()
    for name in ("block1_attention", "block1_feed_forward"):
        layer = model.get_layer(name)
        layer.set_weights([weights * 0 for weights in layer.get_weights()])
    before, after = outputs(model, ["positions", "block1_add2"], images(2, 16, 1))
    np.testing.assert_array_equal(after, before)


def test_the_head_reads_a_mean_of_the_tokens_weighted_by_a_softmax_of_their_scores():
    model = small()
    tokens, pooled = outputs(model, ["norm", "pool"], images(3, 16, 1))
    kernel, bias = model.get_layer("pool_score").get_weights()
    powers = np.exp(tokens @ kernel[:, 0] + bias)
    expected = np.einsum("nt,ntu->nu", powers / powers.sum(axis=1, keepdims=True), tokens)
    np.testing.assert_allclose(pooled[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_it_can_be_cut_after_attention_and_feed_forward_before_they_are_added_and_after_the_adds():
    cuts = cut_points(build_model(ModelSpec(name="cct2", width=8, image_shape=(16, 16, 3))))
    kinds = {"attention": "attention", "add1": "add", "hidden": "dense", "feed_forward": "dense", "add2": "add"}
    expected = [("conv1", "conv"), ("conv2", "conv"), ("positions", "dense")]
    expected += [(f"block{number}_{name}", kind) for number in (1, 2) for name, kind in kinds.items()]
    assert [(cut.layer, cut.kind) for cut in cuts] == expected
    assert {(cut.units, cut.positions) for cut in cuts[2:]} == {(8, (16,))}
    after = {cut.layer: cut.after for cut in cuts}
    assert (after["block1_attention"], after["block1_hidden"]) == ("block1_attention", "block1_hidden_gelu")
    assert after["block2_add2"] == "norm"


def test_the_operations_are_those_counted_by_hand():
    counted = count_operations(build_model(ModelSpec(name="cct2", width=8, heads=2)))
    tokens, width = 64, 8
    assert {path: macs for path, macs in counted.items() if macs and "block2" not in path} == {
        "conv1": 32**2 * 9 * 3 * 4,
        "conv2": 16**2 * 9 * 4 * 8,
        "positions": tokens * width,
        "block1_attention": 4 * tokens * width**2 + 2 * tokens**2 * width,
        "block1_hidden": tokens * width**2,
        "block1_feed_forward": tokens * width**2,
        "pool_score": tokens * width,
        "pool": tokens * width,
        "predictions": width * 10,
    }


def test_in_bfloat16_it_puts_out_nearly_the_same_logits_in_float32():
    model, x = small(), images(4, 16, 1)
    twin = training_twin(model, precision="mixed_bfloat16", l2=5e-4, seed=0)
    assert twin.get_layer("block1_attention").compute_dtype == "bfloat16"
    assert twin.output.dtype == "float32"
    np.testing.assert_allclose(np.asarray(twin(x)), np.asarray(model(x)), atol=0.1)
