"""Where a model can be cut: known answers for chains, merges and tokens, and the messages of what cannot be."""

import keras
import pytest
from keras import layers, ops

from fm_keras.models import ModelSpec, build_model
from fm_keras.slicing import CutPoint, cut_points, pooling_factor, probe_positions


def found(model):
    """(path, kind, units, positions, after) of every cut."""
    return [(cut.layer, cut.kind, cut.units, cut.positions, cut.after) for cut in cut_points(model)]


def finished(x, y):
    """Model whose output none of the layers under test is."""
    return keras.Model(x, layers.Activation("softmax", name="softmax")(layers.Flatten(name="flatten")(y)), name="m")


def test_vgg16_is_cut_after_each_of_its_13_convolutions():
    width, cuts = 4, cut_points(build_model(ModelSpec(width=4)))
    names = [f"conv{block}_{i}" for block, convs in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, convs + 1)]
    last = {"conv1_2": "pool1", "conv2_2": "pool2", "conv3_3": "pool3", "conv4_3": "pool4", "conv5_3": "pool5"}
    sides = [32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2, 1]
    widths = [width * times for times in (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)]
    assert [cut.layer for cut in cuts] == names
    assert [cut.after for cut in cuts] == [last.get(name, f"{name}_relu") for name in names]
    assert [cut.positions for cut in cuts] == [(side, side) for side in sides]
    assert [cut.units for cut in cuts] == widths
    assert {cut.kind for cut in cuts} == {"conv"}


def test_macs_up_to_conv5_3_of_vgg16_are_those_worked_out_by_hand():
    (cut,) = cut_points(build_model(ModelSpec(width=4)), layers=["conv5_3"])
    widths = [3, 4, 4, 8, 8, 16, 16, 16, 32, 32, 32, 32, 32, 32]
    sides = [32, 32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2]
    assert cut.macs == sum(side**2 * 9 * a * b for side, a, b in zip(sides, widths, widths[1:]))


def test_normalization_activation_dropout_and_pool_belong_to_the_layer_before_them():
    x = keras.Input((8, 8, 3))
    y = layers.BatchNormalization(name="bn")(layers.Conv2D(5, 3, padding="same", name="conv")(x))
    y = layers.MaxPooling2D(name="pool")(layers.Dropout(0.5, name="drop")(layers.ReLU(name="relu")(y)))
    assert found(finished(x, y)) == [("conv", "conv", 5, (4, 4), "pool")]


def test_operations_that_activate_or_pool_are_followed_like_layers():
    x = keras.Input((8, 8, 3))
    y = ops.max_pool(ops.leaky_relu(layers.Conv2D(5, 3, padding="same", name="conv")(x)), 2)
    ((*_, positions, after),) = found(finished(x, y))
    assert positions == (4, 4)
    assert after.startswith("max_pool")


def test_a_tensor_with_two_readers_ends_the_chain():
    x = keras.Input((8, 8, 3))
    y = layers.BatchNormalization(name="bn")(layers.Conv2D(3, 3, padding="same", name="conv")(x))
    z = layers.Multiply(name="gate")([layers.ReLU(name="relu")(y), layers.Activation("sigmoid", name="sigmoid")(y)])
    assert found(finished(x, z)) == [("conv", "conv", 3, (8, 8), "bn")]


def test_flatten_and_global_pooling_end_the_chain():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(5, 3, padding="same", name="conv")(x)
    pooled = layers.Dropout(0.1)(layers.GlobalAveragePooling2D()(y))
    assert found(keras.Model(x, layers.Dense(2)(pooled))) == [("conv", "conv", 5, (8, 8), "conv")]
    flat = layers.Dropout(0.1)(layers.Flatten()(y))
    assert found(keras.Model(x, layers.Dense(2)(flat))) == [("conv", "conv", 5, (8, 8), "conv")]


def test_adds_and_concatenates_are_cuts_of_their_own():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(3, 3, padding="same", name="conv")(x)
    y = layers.ReLU(name="relu")(layers.Add(name="add")([x, y]))
    z = layers.Concatenate(name="join")(
        [y, layers.DepthwiseConv2D(3, depth_multiplier=2, name="deep", padding="same")(y)]
    )
    assert found(finished(x, z)) == [
        ("conv", "conv", 3, (8, 8), "conv"),
        ("add", "add", 3, (8, 8), "relu"),
        ("deep", "depthwise", 6, (8, 8), "deep"),
        ("join", "concatenate", 9, (8, 8), "join"),
    ]


def test_adding_a_constant_is_no_cut():
    x = keras.Input((8, 8, 3))
    assert [cut.layer for cut in cut_points(finished(x, layers.Conv2D(3, 3, name="conv")(x) + 1.0))] == ["conv"]


def test_dense_layers_have_no_positions_and_token_layers_have_tokens():
    x = keras.Input((7, 6))
    y = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    y = layers.LayerNormalization(name="norm")(layers.Add(name="add")([x, y]))
    y = layers.Dense(9, activation="gelu", name="mlp")(y)
    y = layers.Dense(5, name="hidden")(layers.GlobalAveragePooling1D()(y))
    assert found(finished(x, y)) == [
        ("attention", "attention", 6, (7,), "attention"),
        ("add", "add", 6, (7,), "norm"),
        ("mlp", "dense", 9, (7,), "mlp"),
        ("hidden", "dense", 5, (), "hidden"),
    ]


def test_recurrent_layers_are_cuts():
    x = keras.Input((7, 6))
    y = layers.GRU(4, name="all")(layers.LSTM(5, return_sequences=True, name="steps")(x))
    assert found(finished(x, y)) == [("steps", "recurrent", 5, (7,), "steps"), ("all", "recurrent", 4, (), "all")]


@pytest.mark.parametrize(
    ("positions", "written"), [((8, 4), "8 x 4"), ((64,), "64 tokens"), ((), "-"), ((2, 3, 4), "2 x 3 x 4")]
)
def test_a_map_is_written_as_people_write_it(positions, written):
    assert CutPoint("x", "conv", 1, positions, 0, "x", False, 0).map == written


def test_what_the_model_puts_out_is_no_cut():
    x = keras.Input((6,))
    hidden = layers.Dense(5, name="hidden")(x)
    model = keras.Model(
        x, [layers.ReLU(name="relu")(hidden), layers.Dense(2, name="out")(layers.Dense(4, name="deep")(x))]
    )
    assert [cut.layer for cut in cut_points(model)] == ["deep"]


def test_weights_of_positions_are_no_cut_and_a_softmax_over_units_is():
    def cuts(axis):
        x = keras.Input((5, 4))
        tokens = layers.Dense(3, name="tokens")(x)
        weights = layers.Softmax(axis=axis)(layers.Dense(1, name="score")(tokens))
        return [cut.layer for cut in cut_points(keras.Model(x, layers.Dense(2)(layers.Dot(1)([weights, tokens]))))]

    assert cuts(axis=1) == ["tokens"]
    assert cuts(axis=-1) == ["tokens", "score"]


def test_a_layer_derived_from_a_known_one_is_known():
    class Standardized(layers.Conv2D):
        pass

    class Swish(layers.Activation):
        pass

    x = keras.Input((8, 8, 3))
    assert found(finished(x, Swish("silu", name="swish")(Standardized(4, 1, name="conv")(x)))) == [
        ("conv", "conv", 4, (8, 8), "swish")
    ]


class Own(layers.Layer):
    """A layer of the user's, which hides a convolution."""

    def __init__(self, data_format="channels_last", **options):
        super().__init__(**options)
        self.data_format = data_format
        self.conv = layers.Conv2D(4, 3, data_format=data_format)

    def call(self, x):
        return self.conv(x)


class Squared(layers.Layer):
    """A layer of the user's without weights."""

    def call(self, x):
        return x * x


def test_a_layer_of_the_users_own_with_a_kernel_is_a_cut():
    x = keras.Input((8, 8, 3))
    assert found(finished(x, layers.ReLU(name="relu")(Own(name="own")(Squared(name="squared")(x))))) == [
        ("own", "custom", 4, (6, 6), "relu")
    ]
    x = keras.Input((3, 8, 6))
    assert found(finished(x, Own("channels_first", name="own")(x))) == [("own", "custom", 4, (6, 4), "own")]


def test_where_a_layer_hides_all_others_the_message_says_so(message_of):
    model = keras.Sequential([keras.Input((8, 8, 3)), Own(name="own")], name="m")
    assert message_of(cut_points, model).endswith(
        "map of known size. Layer 'own' (Own) hides the layers in it: call those on keras.Input."
    )


@pytest.mark.parametrize(
    ("wrap", "shape", "expected"),
    [
        (layers.SpectralNormalization, (8, 8, 3), ("wrapped", "conv", 4, (6, 6), "wrapped")),
        (layers.TimeDistributed, (5, 8, 8, 3), ("wrapped", "conv", 4, (5, 6, 6), "wrapped")),
    ],
)
def test_a_wrapped_layer_is_what_it_is_unwrapped(wrap, shape, expected):
    x = keras.Input(shape)
    assert found(finished(x, wrap(layers.Conv2D(4, 3), name="wrapped")(x))) == [expected]


def test_a_wrapped_layer_of_channels_first_has_its_units_in_front_or_is_no_cut(message_of):
    conv = layers.Conv2D(4, 3, data_format="channels_first")
    x = keras.Input((3, 8, 8))
    assert found(finished(x, layers.SpectralNormalization(conv, name="w")(x))) == [("w", "conv", 4, (6, 6), "w")]
    x = keras.Input((5, 3, 8, 8))
    assert "cannot be cut" in message_of(cut_points, finished(x, layers.TimeDistributed(conv)(x)))


def test_channels_first_maps_have_their_units_in_front():
    x = keras.Input((3, 8, 6))
    y = layers.Conv2D(5, 3, padding="same", data_format="channels_first", name="conv")(x)
    y = layers.ReLU(name="relu")(layers.BatchNormalization(axis=1)(y))
    z = layers.Conv2D(5, 3, padding="same", data_format="channels_first", name="conv2")(y)
    model = finished(x, layers.Add(name="add")([y, z]))
    assert found(model) == [
        ("conv", "conv", 5, (8, 6), "relu"),
        ("conv2", "conv", 5, (8, 6), "conv2"),
        ("add", "add", 5, (8, 6), "add"),
    ]
    assert all(cut.channels_first for cut in cut_points(model))


def test_tokens_made_of_a_channels_first_map_have_their_units_last():
    x = keras.Input((3, 8, 6))
    y = layers.Conv2D(5, 2, strides=2, data_format="channels_first", name="patches")(x)
    y = layers.Permute((2, 1))(layers.Reshape((5, 12))(y))
    y = layers.Add(name="add")([layers.Dense(7, name="mlp")(y), layers.Dense(7, name="skip")(y)])
    assert [(cut.layer, cut.units, cut.positions) for cut in cut_points(finished(x, y))] == [
        ("patches", 5, (4, 3)),
        ("mlp", 7, (12,)),
        ("skip", 7, (12,)),
        ("add", 7, (12,)),
    ]


def test_chosen_cuts_come_in_depth_order(network):
    assert [cut.layer for cut in cut_points(network, layers=["hidden", "conv1"])] == ["conv1", "hidden"]


def test_an_unknown_layer_is_answered_with_the_cuts(network, message_of):
    assert message_of(lambda: cut_points(network, layers=["conv1", "conv9"])) == (
        "Model 'small' has no layer 'conv9'. It can be cut at: conv1, conv2, add, hidden."
    )


@pytest.mark.parametrize("layer", ["relu1", "predictions"])
def test_a_layer_without_units_and_the_output_are_answered_with_why(network, layer, message_of):
    assert message_of(lambda: cut_points(network, layers=[layer])) == (
        f"Model 'small' cannot be cut at {layer!r}: it has no units of its own, is the output, or its map has no "
        "fixed size. It can be cut at: conv1, conv2, add, hidden."
    )


def test_a_map_of_unknown_size_is_no_cut(message_of):
    x = keras.Input((None, 6))
    y = layers.LSTM(4, name="last")(layers.LSTM(5, return_sequences=True, name="steps")(x))
    assert [cut.layer for cut in cut_points(finished(x, y))] == ["last"]
    image = keras.Input((None, None, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    model = keras.Model(image, layers.Dense(2)(pooled), name="m")
    assert message_of(cut_points, model) == (
        "Model 'm' cannot be cut: before its output it has no layer with units on a map of known size. "
        "Call it on images of one size: keras.Sequential([keras.Input(image_shape), model])."
    )
    assert found(keras.Sequential([keras.Input((8, 8, 3)), model])) == [("m/conv", "conv", 4, (6, 6), "m/conv")]


def test_a_model_of_one_layer_cannot_be_cut(message_of):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="m")
    assert message_of(cut_points, model).startswith("Model 'm' cannot be cut: before its output")


@pytest.mark.parametrize(
    ("positions", "most", "factor", "left"),
    [
        ((8, 8), 1024, 1, (8, 8)),
        ((8, 8), 64, 1, (8, 8)),
        ((8, 8), 63, 2, (4, 4)),
        ((8, 7), 12, 3, (3, 3)),
        ((112, 112), 1024, 4, (28, 28)),
        ((1500,), 1024, 2, (750,)),
        ((3, 3), 1, 3, (1, 1)),
        ((), 1, 1, ()),
    ],
)
def test_large_maps_are_pooled_by_the_smallest_whole_factor_that_does(positions, most, factor, left):
    cut = CutPoint("x", "conv", 1, positions, 0, "x", False, 0)
    assert (pooling_factor(cut, most), probe_positions(cut, most)) == (factor, left)
