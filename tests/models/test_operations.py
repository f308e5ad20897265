"""Multiply-accumulates: numbers worked out by hand, and laws."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.errors import CannotCut, InvalidInput
from fm_keras.models import ModelSpec, build_model, count_operations
from fm_keras.models.operations import uncounted_layers

MULTI_HEAD_CONFIG = layers.MultiHeadAttention(1, 1).get_config()


def operations(layer, *shapes):
    """MACs of one layer on inputs of these shapes (batch left out)."""
    inputs = [keras.Input(shape) for shape in shapes]
    return sum(count_operations(keras.Model(inputs, layer(*inputs))).values())


def test_vgg16_of_width_64_takes_313_million_in_its_convolutions():
    counted = count_operations(build_model(ModelSpec(width=64)))
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    sides = [32, 32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2]
    by_hand = [side**2 * 9 * before * after for side, before, after in zip(sides, widths, widths[1:])]
    assert [counted[path] for path in counted if path.startswith("conv") and counted[path]] == by_hand
    assert sum(by_hand) == 313_196_544
    assert counted["predictions"] == 512 * 10
    assert sum(counted.values()) == sum(by_hand) + 512 * 10


def test_lenet5_takes_416520():
    counted = count_operations(build_model(ModelSpec(name="lenet5", image_shape=(32, 32, 1))))
    assert {path: macs for path, macs in counted.items() if macs} == {
        "conv1": 28 * 28 * 6 * 25,
        "conv2": 10 * 10 * 16 * 6 * 25,
        "fc1": 400 * 120,
        "fc2": 120 * 84,
        "predictions": 84 * 10,
    }
    assert sum(counted.values()) == 416_520


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Conv1D(5, 3), (10, 4), 8 * 3 * 4 * 5),
        (layers.Conv2D(6, (3, 2), strides=2, padding="same"), (8, 6, 4), 4 * 3 * 6 * 4 * 6),
        (layers.Conv2D(6, 3, groups=2, padding="same"), (8, 8, 4), 64 * 9 * 2 * 6),
        (layers.Conv2D(6, 3, dilation_rate=2), (8, 8, 4), 4 * 4 * 9 * 4 * 6),
        (layers.Conv3D(2, 2), (3, 4, 5, 3), 2 * 3 * 4 * 8 * 3 * 2),
        (layers.Conv1DTranspose(5, 3, strides=2), (10, 4), 10 * 3 * 4 * 5),
        (layers.Conv2DTranspose(5, 3, strides=2, padding="same"), (4, 6, 2), 24 * 9 * 2 * 5),
        (layers.DepthwiseConv1D(3, depth_multiplier=2), (10, 4), 8 * 3 * 4 * 2),
        (layers.DepthwiseConv2D(3, padding="same"), (8, 8, 4), 64 * 9 * 4),
        (layers.DepthwiseConv2D(3, strides=2, depth_multiplier=3), (9, 9, 4), 16 * 9 * 4 * 3),
        (layers.DepthwiseConv2D(3, dilation_rate=2), (8, 8, 4), 16 * 9 * 4),
        (layers.SeparableConv1D(7, 3), (10, 4), 8 * (3 * 4 + 4 * 7)),
        (layers.SeparableConv2D(7, 3, depth_multiplier=2, padding="same"), (8, 8, 4), 64 * (9 * 8 + 8 * 7)),
        (layers.SeparableConv2D(7, 3, strides=2), (9, 9, 4), 16 * (9 * 4 + 4 * 7)),
        (layers.Conv3DTranspose(2, 2, strides=2), (2, 3, 4, 5), 24 * 8 * 5 * 2),
        (layers.Dense(7), (5,), 5 * 7),
        (layers.Dense(7), (9, 5), 9 * 5 * 7),
        (layers.EinsumDense("abc,cd->abd", output_shape=(9, 7)), (9, 5), 9 * 5 * 7),
        (layers.EinsumDense("...x,xy->...y", output_shape=7), (3, 9, 5), 3 * 9 * 5 * 7),
        (layers.EinsumDense("abc,cde->abde", output_shape=(9, 2, 7)), (9, 5), 9 * 5 * 2 * 7),
        (layers.EinsumDense("abc,bcd->abd", output_shape=(9, 7)), (9, 5), 9 * 5 * 7),
        (layers.EinsumDense("abc,bd->adc", output_shape=(7, 5)), (9, 5), 9 * 5 * 7),
        (layers.EinsumDense("abc,cd->abd", output_shape=(None, 7)), (9, 5), 9 * 5 * 7),
        (layers.SimpleRNN(4), (9, 5), 9 * (5 * 4 + 4 * 4)),
        (layers.GRU(4, return_sequences=True), (9, 5), 9 * 3 * (5 * 4 + 4 * 4)),
        (layers.LSTM(4, go_backwards=True), (9, 5), 9 * 4 * (5 * 4 + 4 * 4)),
        (layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)]), (9, 5), 9 * (4 * (5 + 4) * 4 + 3 * (4 + 3) * 3)),
        (layers.Bidirectional(layers.LSTM(4), backward_layer=layers.GRU(2, go_backwards=True)), (9, 5), 9 * (144 + 42)),
        (layers.ConvLSTM1D(4, 3, strides=2, padding="same"), (9, 8, 5), 9 * 4 * 3 * 4 * (5 * 4 + 4 * 4)),
        (layers.ConvLSTM2D(4, 3), (2, 8, 7, 5), 2 * 6 * 5 * 9 * 4 * (5 * 4 + 4 * 4)),
        (layers.ConvLSTM2D(4, 3, return_sequences=True), (2, 8, 7, 5), 2 * 6 * 5 * 9 * 4 * (5 * 4 + 4 * 4)),
        (layers.TimeDistributed(layers.Dense(7)), (9, 5), 9 * 5 * 7),
        (layers.TimeDistributed(layers.Conv2D(4, 3)), (9, 8, 7, 5), 9 * 6 * 5 * 9 * 5 * 4),
        (layers.TimeDistributed(keras.Sequential([keras.Input((5,)), layers.Dense(3)])), (9, 5), 9 * 5 * 3),
        (layers.SpectralNormalization(layers.Dense(7)), (5,), 5 * 7),
        (layers.Embedding(20, 4), (9,), 0),
        (layers.PReLU(), (8, 8, 4), 0),
        (layers.BatchNormalization(), (8, 8, 4), 0),
        (layers.MaxPooling2D(), (8, 8, 4), 0),
        (layers.LayerNormalization(), (9, 5), 0),
    ],
)
def test_operations_of_a_layer_are_those_worked_out_by_hand(layer, shape, expected):
    assert operations(layer, shape) == expected


def test_attention_counts_its_projections_and_both_products():
    query, value = (9, 6), (4, 5)
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=7)
    projections = 9 * 6 * 2 * 3 + 4 * 5 * 2 * 3 + 4 * 5 * 2 * 7 + 9 * 2 * 7 * 6
    assert operations(layer, query, value) == projections + 9 * 4 * 2 * 3 + 9 * 4 * 2 * 7


@pytest.mark.skipif("use_gate" not in MULTI_HEAD_CONFIG, reason="this version of Keras has no gate")
def test_a_gate_of_attention_is_a_projection_of_the_query_to_the_width_of_the_values():
    query, value = (9, 6), (4, 5)
    plain, gated = (layers.MultiHeadAttention(2, 3, value_dim=7, **gate) for gate in ({}, {"use_gate": True}))
    assert operations(gated, query, value) - operations(plain, query, value) == 9 * 6 * 2 * 7


def test_attention_takes_its_key_by_name_or_place():
    def attention():
        return layers.MultiHeadAttention(num_heads=2, key_dim=3)

    query, value, key = (keras.Input(shape) for shape in ((9, 6), (4, 5), (4, 8)))
    by_name = keras.Model([query, value, key], attention()(key=key, query=query, value=value))
    expected = 9 * 6 * 6 + 4 * 8 * 6 + 4 * 5 * 6 + 9 * 6 * 6 + 2 * 9 * 4 * 6
    assert sum(count_operations(by_name).values()) == expected
    assert operations(attention(), (9, 6), (4, 5), (4, 8)) == expected


def test_attention_along_one_axis_takes_products_along_that_axis_only():
    layer = layers.MultiHeadAttention(num_heads=1, key_dim=2, attention_axes=(2,))
    inputs = keras.Input((3, 5, 4))
    counted = sum(count_operations(keras.Model(inputs, layer(inputs, inputs))).values())
    assert counted == 4 * (3 * 5 * 4 * 2) + 2 * (3 * 5 * 5 * 2)


def test_grouped_query_attention_projects_keys_and_values_to_fewer_heads():
    layer = layers.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    projections = 9 * 6 * 12 + 2 * (5 * 6 * 6) + 9 * 12 * 6
    assert operations(layer, (9, 6), (5, 6)) == projections + 2 * (9 * 5 * 12)


def test_on_one_token_grouped_query_attention_uses_every_weight_of_its_kernels_once():
    layer = layers.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2, use_bias=False)
    assert operations(layer, (1, 6), (1, 6)) == layer.count_params() + 2 * 12


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_attention_without_projections_takes_its_scores_and_their_products_with_the_values(kind):
    query, value, key = (keras.Input(shape) for shape in ((9, 6), (4, 5), (4, 6)))
    counted = sum(count_operations(keras.Model([query, value, key], kind()([query, value, key]))).values())
    assert counted == 9 * 4 * 6 + 9 * 4 * 5


def test_on_one_step_a_recurrent_layer_uses_every_weight_of_its_kernels_once():
    for kind in (layers.SimpleRNN, layers.GRU, layers.LSTM):
        layer = kind(4, use_bias=False)
        assert operations(layer, (1, 5)) == layer.count_params()


def test_products_of_two_tensors_take_what_they_sum_over():
    one, two = (9, 6), (4, 6)
    assert operations(lambda a, b: layers.Dot(axes=2)([a, b]), one, two) == 9 * 4 * 6
    assert operations(lambda a, b: layers.Dot(axes=(-1, -1), normalize=True)([a, b]), (6,), (6,)) == 6
    assert operations(lambda a, b: keras.ops.matmul(a, keras.ops.transpose(b, (0, 2, 1))), one, two) == 9 * 4 * 6
    assert operations(lambda a: keras.ops.matmul(a, np.ones((6, 3), "float32")), one) == 9 * 6 * 3
    assert operations(lambda a: keras.ops.matmul(np.ones((3, 9), "float32"), a), one) == 3 * 9 * 6


class Mixing(layers.Layer):
    """Multiplies by a matrix of its own."""

    def build(self, shape):
        self.matrix = self.add_weight(shape=(shape[-1], 3))

    def call(self, x):
        return keras.ops.matmul(x, self.matrix)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 3)


class Scaling(layers.Layer):
    """Multiplies number by number."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(1, shape[-1]))

    def call(self, x):
        return x * self.factor


@pytest.mark.parametrize(
    ("hiding", "named"),
    [
        (Mixing(name="mixer"), r"mixer \(Mixing\)"),
        (layers.TimeDistributed(Mixing(), name="each"), r"each \(TimeDistributed\)"),
        (lambda x: keras.ops.einsum("abc,abd->acd", x, x), r"einsum\w* \(Einsum\)"),
    ],
)
def test_layers_that_hide_products_are_named_in_a_warning(hiding, named):
    inputs = keras.Input((9, 5))
    model = keras.Model(inputs, layers.Dense(2)(hiding(inputs)))

    with pytest.warns(UserWarning, match=f"Operations of {named} are not known and count 0."):
        counted = count_operations(model)
    assert [macs for macs in counted.values() if macs] == [counted[model.layers[-1].name]]
    (hidden,) = uncounted_layers(model)
    assert re.fullmatch(named, hidden)


def test_layers_that_multiply_number_by_number_hide_nothing():
    assert operations(Scaling(), (9, 5)) == 0


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (layers.Conv2D, {"filters": 6, "kernel_size": 3, "padding": "same"}),
        (layers.Conv2D, {"filters": 6, "kernel_size": 3, "strides": 2, "groups": 2}),
        (layers.Conv2DTranspose, {"filters": 6, "kernel_size": 3, "strides": 2}),
        (layers.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 2}),
        (layers.SeparableConv2D, {"filters": 6, "kernel_size": 3}),
    ],
)
def test_channels_first_counts_the_same_positions(kind, settings):
    first = operations(kind(**settings, data_format="channels_first"), (4, 8, 7))
    assert first == operations(kind(**settings, data_format="channels_last"), (8, 7, 4))


def test_nested_models_and_shared_layers_count_once_a_call():
    shared = layers.Dense(5, name="shared")
    inner_input = keras.Input((5,))
    block = keras.Model(inner_input, layers.Dense(3, name="dense")(inner_input), name="block")
    inputs = keras.Input((5,))
    counted = count_operations(keras.Model(inputs, block(shared(shared(inputs)))))
    assert {path: macs for path, macs in counted.items() if macs} == {"shared": 25, "shared:2": 25, "block/dense": 15}


def test_a_bias_free_dense_model_takes_as_many_operations_as_it_has_parameters():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, use_bias=False), layers.Dense(3, use_bias=False)])
    assert sum(count_operations(model).values()) == model.count_params()


def test_unknown_sizes_are_refused_with_the_layer_s_name():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.Conv2D(4, 3, name="stem")(inputs))
    with pytest.raises(InvalidInput, match=r"layer 'stem' cannot be counted: its shape \(None, None, None, 3\)"):
        count_operations(model)


def test_a_model_without_a_graph_is_refused():
    with pytest.raises(CannotCut):
        count_operations(keras.Sequential([layers.Dense(3)]))
