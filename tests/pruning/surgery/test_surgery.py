"""A cut network computes what the silenced one computes, is an ordinary model, and can be cut again."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers, ops

from fm_keras.models import ModelSpec, build_model
from fm_keras.pruning import apply_plan, complete_units, plan_removal, remove_units, unit_groups
from fm_keras.slicing import cut_points


def conv(x, filters=4, size=3, **options):
    return layers.Conv2D(filters, size, padding="same", **options)(x)


def conv_bn(x):
    return layers.ReLU()(layers.BatchNormalization()(conv(x, use_bias=False)))


def sigmoid_then_same_conv(x):
    """What is silent becomes one half behind the fork, which no bias makes up for at the border."""
    x = conv(x)
    return layers.Add()([conv(layers.Activation("sigmoid")(x)), conv(x)])


def preactivated(x):
    """BatchNorm behind a fork makes constants of silent units."""
    y = layers.ReLU()(layers.BatchNormalization()(x))
    y = conv(conv(y, size=1, use_bias=False), x.shape[-1])
    return layers.Add()([x, y])


def residual(x):
    y = layers.BatchNormalization()(conv(conv(x, activation="relu")))
    return layers.ELU()(layers.Add()([layers.Conv2D(4, 1)(x), y]))


def branches(x):
    parts = [conv(x, 3, size, activation="tanh") for size in (1, 3)]
    return layers.Concatenate()([*parts, layers.MaxPooling2D(3, 1, padding="same")(x)])


def dense_block(x):
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, conv(y, 3, size=1)])
    return x


def depthwise(x):
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(conv(x)))
    return conv(layers.ReLU(6.0)(x), size=1)


def separable(x):
    return layers.SeparableConv2D(5, 3, depth_multiplier=2, padding="same")(conv(x))


def squeeze_excite(x):
    x = conv(x, 5, activation="silu")
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(5, 1, activation="hard_sigmoid")(layers.Conv2D(3, 1, activation="relu")(y))
    return layers.Multiply()([x, y])


def excite_by_dense(x):
    x = conv(x, 5)
    y = layers.Dense(5, activation="sigmoid")(layers.GlobalMaxPooling2D()(x))
    return layers.Multiply()([x, layers.Reshape((1, 1, 5))(y)])


def spatial_attention(x):
    x = conv(x, 4)
    y = layers.Activation("sigmoid")(layers.BatchNormalization()(x))
    return layers.Multiply()([layers.Concatenate()([x, y]), layers.Conv2D(1, 1, activation="sigmoid")(x)])


def grouped(x):
    x = layers.ReLU()(layers.Conv2D(6, 3, groups=2, padding="same")(conv(x, 4)))
    return layers.Conv2D(12, 3, groups=6, padding="same")(x)


def transposed(x):
    return layers.Cropping2D(2)(layers.Conv2DTranspose(5, 2, strides=2, activation="relu")(conv(x)))


def shared(x):
    layer = layers.Conv2D(3, 3, padding="same", activation="relu")
    norm = layers.BatchNormalization()
    x = conv(x, 3)
    return layers.Average()([norm(layer(x)), norm(layer(layer(x)))])


def nested(x):
    inner = keras.Input(x.shape[1:])
    y = layers.PReLU(shared_axes=(1, 2))(layers.Conv2D(4, 3, padding="same", name="conv")(inner))
    return keras.Model(inner, layers.Conv2D(4, 1, name="last")(y))(x)


def operations(x):
    x = conv(x)
    return ops.relu(x + 3.0) * 0.5 - conv(x)


def odd_layers(x):
    x = layers.PReLU()(conv(x))
    x = layers.ZeroPadding2D(1)(layers.UpSampling2D(2)(x))
    return layers.Dropout(0.5)(layers.AveragePooling2D(2, padding="same")(x))


def whole(x):
    return layers.LayerNormalization()(conv(conv(x)))


BLOCKS = (
    conv_bn, sigmoid_then_same_conv, preactivated, residual, branches, dense_block, depthwise, separable,
    squeeze_excite, excite_by_dense, spatial_attention, grouped, transposed, shared, nested, operations, odd_layers,
    whole,
)  # fmt: skip


def flat_head(x):
    x = layers.Dense(5, activation="relu")(layers.Flatten()(layers.MaxPooling2D(2)(x)))
    return layers.BatchNormalization()(x)


def pooled_head(x):
    return layers.Dense(6, activation="relu")(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))


def token_head(x):
    x = layers.Reshape((-1, x.shape[-1]))(x)
    x = layers.Dense(5, activation="gelu")(x)
    x = layers.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d")(x)
    return layers.GlobalMaxPooling1D()(x)


def network_of(blocks, head=pooled_head):
    image = keras.Input((6, 6, 2))
    x = conv(image, 5, activation="relu")
    for block in blocks:
        x = block(x)
    return keras.Model(image, layers.Dense(3)(head(x)), name="random")


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, 6, 6, 2)).astype("float32")


@pytest.fixture
def assert_cut_alike(randomized, third_of, silenced, outputs_of, assert_alike, images):
    def check(model, share=1 / 3):
        removed = third_of(unit_groups(randomized(model)), share)
        found = outputs_of(remove_units(model, removed).model, images)
        assert_alike(found, silenced(model, images, removed))
        return removed

    return check


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_a_network_of_one_kind_without_half_its_units_is_the_silenced_one(block, assert_cut_alike):
    assert assert_cut_alike(network_of([block]), 1 / 2)


@pytest.mark.parametrize("head", [flat_head, token_head], ids=lambda head: head.__name__)
def test_units_are_followed_through_flattening_and_reshaping(head, assert_cut_alike):
    assert len(assert_cut_alike(network_of([conv_bn], head))) >= 2


def test_of_a_transformer_hidden_nodes_and_the_first_convolution_go(assert_cut_alike):
    model = build_model(ModelSpec(name="cct2", width=8, heads=2, image_shape=(6, 6, 2), labels=3))
    assert assert_cut_alike(model).keys() == {"conv1", "block1_hidden", "block2_hidden"}


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    blocks=st.lists(st.sampled_from(BLOCKS), min_size=2, max_size=4),
    head=st.sampled_from([flat_head, pooled_head, token_head]),
    share=st.sampled_from([0.3, 0.5]),
)
def test_the_cut_network_is_the_silenced_one_for_any_architecture(blocks, head, share, assert_cut_alike):
    assert_cut_alike(network_of(blocks, head), share)


def test_what_is_named_is_what_is_silent_where_adds_and_concatenations_follow(
    randomized, third_of, silenced, outputs_of, assert_alike, images
):
    model = randomized(network_of([conv_bn, residual, branches, dense_block]))
    makers = {cut.layer for cut in cut_points(model) if cut.kind not in ("add", "concatenate")}
    chosen = third_of(unit_groups(model))
    removed = {path: units for path, units in chosen.items() if path in makers}
    assert len(removed) < len(chosen)
    assert_alike(outputs_of(remove_units(model, removed).model, images), silenced(model, images, removed))


def test_both_the_inner_and_the_added_units_of_resnet20_go(randomized, silenced, outputs_of, assert_alike, rng):
    model = randomized(build_model(ModelSpec(name="resnet20", width=4)))
    inner = {"stage3_block2_conv1": [0, 3, 5]}
    stream = complete_units(model, {"stage3_block1_add": [1, 6], "stage2_block1_add": [2]})
    assert set(stream) > {"conv1", "stage2_block3_add", "stage3_block1_shortcut", "stage3_block3_conv2"}
    pruned = remove_units(model, inner | stream)
    assert pruned.model.get_layer("stage3_block2_conv1").filters == 5
    assert pruned.model.get_layer("stage3_block2_conv2").kernel.shape == (3, 3, 5, 6)
    x = rng.uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    assert_alike(outputs_of(pruned.model, x), silenced(model, x, inner | stream))


def test_the_users_model_stays_as_it_was(network, third_of):
    weights, config = network.get_weights(), network.get_config()
    remove_units(network, third_of(unit_groups(network)))
    assert network.get_config() == config
    for before, after in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_result_loads_in_a_fresh_process_without_fm_keras(network, third_of, outputs_of, tmp_path, rng):
    pruned = remove_units(network, third_of(unit_groups(network))).model
    x = rng.normal(size=(2, 8, 8, 2)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    pruned.save(tmp_path / "pruned.keras")
    program = (
        "import sys, keras, numpy as np; model = keras.saving.load_model('pruned.keras', safe_mode=True); "
        "np.save('y.npy', model.predict(np.load('x.npy'), verbose=0)); sys.exit('fm_keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), outputs_of(pruned, x)[0], rtol=1e-5, atol=1e-6)


def test_the_result_has_the_same_cuts_and_can_be_cut_again(silenced, outputs_of, assert_alike, randomized, images):
    model = randomized(network_of([conv_bn, residual, branches]))
    conv, add = (next(cut.layer for cut in cut_points(model) if cut.kind == kind) for kind in ("conv", "add"))
    first = remove_units(model, complete_units(model, {add: [1], conv: [0]})).model
    assert [cut.layer for cut in cut_points(first)] == [cut.layer for cut in cut_points(model)]
    second = remove_units(first, complete_units(first, {add: [1], conv: [2]})).model
    both = complete_units(model, {add: [1, 2], conv: [0, 3]})
    assert second.count_params() == remove_units(model, both).model.count_params() < first.count_params()
    assert_alike(outputs_of(second, images), silenced(model, images, both))


def test_nested_layers_stand_in_the_result_by_their_path(network):
    pruned = remove_units(network, complete_units(network, {"block/conv": [0]})).model
    assert pruned.get_layer("block__conv").filters == 3


def test_frozen_layers_stay_frozen_and_inputs_and_outputs_keep_their_structure(rng):
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((3,), name="b")}
    hidden = layers.Dense(5, name="hidden", trainable=False)(layers.Concatenate()(list(inputs.values())))
    model = keras.Model(inputs, {"y": layers.Dense(2)(hidden), "z": layers.Dense(1)(hidden)})
    pruned = remove_units(model, {"hidden": [4]}).model
    assert not pruned.get_layer("hidden").trainable
    assert len(pruned.trainable_variables) == 4
    found = pruned({"a": rng.normal(size=(2, 4)), "b": rng.normal(size=(2, 3))})
    assert {name: each.shape for name, each in found.items()} == {"y": (2, 2), "z": (2, 1)}


def test_nothing_removed_leaves_a_copy(network, outputs_of, rng):
    pruned = remove_units(network, {})
    x = rng.normal(size=(2, 8, 8, 2)).astype("float32")
    np.testing.assert_allclose(outputs_of(pruned.model, x)[0], outputs_of(network, x)[0], rtol=1e-6)
    assert (pruned.effect["params"] == pruned.effect["params_kept"]).all()


def test_a_plan_is_refused_by_another_model_in_one_line(network, message_of):
    plan = plan_removal(network, {"hidden": [0]})
    network.get_layer("hidden").bias.assign([1, 2, 3, 4, 5])
    assert "another model than 'small'" in message_of(apply_plan, network, plan)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow convolves channels first on GPUs only")
def test_channels_may_come_first(randomized, third_of, silenced, outputs_of, assert_alike, rng):
    first = {"data_format": "channels_first"}
    x = image = keras.Input((3, 8, 8))
    x = layers.PReLU()(layers.BatchNormalization(axis=1)(layers.Conv2D(4, 3, padding="same", **first)(x)))
    x = layers.Add()([x, layers.Conv2D(4, 3, padding="same", **first)(x)])
    x = layers.Flatten(**first)(layers.MaxPooling2D(**first)(x))
    model = randomized(keras.Model(image, layers.Dense(3)(x)))
    removed = third_of(unit_groups(model))
    x = rng.normal(size=(2, 3, 8, 8)).astype("float32")
    assert len(removed) == 3
    assert_alike(outputs_of(remove_units(model, removed).model, x), silenced(model, x, removed))
