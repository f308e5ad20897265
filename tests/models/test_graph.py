"""Walking and rebuilding: the copy computes what the model computes, and the paths are those the docs promise."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.models.graph import copy_calls, rebuild, walk


def randomized(model, rng):
    """The model with biases, scales and BatchNorm statistics away from their defaults."""
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    return model


def outputs_of(model, x):
    return [ops.convert_to_numpy(output) for output in keras.tree.flatten(model(x, training=False))]


def paths(model):
    return [call.path for call in walk(model).calls]


def assert_rebuilt_alike(model, x):
    graph = walk(model)
    copy = rebuild(model, graph, list(graph.outputs))
    expected, found = outputs_of(model, x), outputs_of(copy, x)
    assert len(expected) == len(found)
    for one, other in zip(expected, found):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
        assert np.ptp(one) > 0
    # Compiled too: TensorFlow is stricter about names there.
    np.testing.assert_allclose(keras.tree.flatten(copy.predict(x, verbose=0))[0], found[0], rtol=1e-4, atol=1e-5)


def sequential():
    return keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)]
    )


def built_later():
    model = keras.Sequential([layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)])
    model.build((None, 6, 6, 2))
    return model


def called_elsewhere():
    model = sequential()
    model(layers.Conv2D(2, 1)(keras.Input((6, 6, 5))))
    return model


def residual():
    x = keras.Input((6, 6, 2))
    y = layers.BatchNormalization()(layers.Conv2D(2, 3, padding="same")(x))
    return keras.Model(x, layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y]))))


def concatenating():
    x = keras.Input((6, 6, 2))
    parts = [layers.Conv2D(3, size, padding="same", activation="relu")(x) for size in (1, 3)]
    return keras.Model(x, layers.Dense(2)(layers.Concatenate()(parts)))


def two_outputs():
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(3, 3)(x)
    return keras.Model(x, [layers.Flatten()(y), y])


def operations():
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(2, 1)(x)
    y = ops.relu(x + 2.0 * y) - ops.mean(y, axis=-1, keepdims=True)
    return keras.Model(x, ops.concatenate([y[:, 1:], ops.exp(y[:, :2])], axis=1))


def with_lambda():
    x, factor = keras.Input((6, 6, 2)), 3.0
    return keras.Model(x, layers.Dense(2)(layers.Lambda(lambda t: ops.tanh(factor * t))(x)))


def call_options():
    # Inference must not undo training=True: whoever builds it in wants it.
    x = keras.Input((6, 6, 2))
    y = layers.BatchNormalization()(layers.Conv2D(2, 1)(x), training=True)
    return keras.Model(x, y)


IMAGE_MODELS = [sequential, built_later, called_elsewhere, residual, concatenating]
IMAGE_MODELS += [two_outputs, operations, with_lambda, call_options]


@pytest.mark.parametrize("build", IMAGE_MODELS)
def test_a_rebuilt_model_puts_out_the_same(build, rng):
    assert_rebuilt_alike(randomized(build(), rng), rng.normal(size=(4, 6, 6, 2)).astype("float32"))


def test_the_second_call_of_a_shared_layer_has_a_path_of_its_own_and_can_be_rebuilt_alone(rng):
    x = keras.Input((4,))
    shared = layers.Dense(4, name="shared")
    model = keras.Model(x, layers.Concatenate(name="join")([shared(x), shared(layers.ReLU(name="relu")(x))]))
    assert paths(model) == ["shared", "relu", "shared:2", "join"]
    values = rng.normal(size=(3, 4)).astype("float32")
    assert_rebuilt_alike(model, values)
    graph = walk(model)
    second = rebuild(model, graph, [graph.calls[2].outputs[0]])
    np.testing.assert_allclose(second.predict(values, verbose=0), outputs_of(model, values)[0][:, 4:], rtol=1e-5)
    assert len(second.weights) == 2


def block(inner, name):
    x = keras.Input((6, 6, 2))
    y = layers.BatchNormalization(name="bn")(layers.Conv2D(2, 3, padding="same", name="conv")(x))
    return keras.Model(x, inner(y), name=name)


def test_layers_of_one_name_in_two_nested_models_are_told_apart(rng):
    sequence = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(2, 1, name="conv")], name="tail")
    x = keras.Input((6, 6, 2))
    model = randomized(keras.Model(x, block(sequence, "two")(block(layers.ReLU(name="relu"), "one")(x))), rng)
    assert paths(model) == ["one/conv", "one/bn", "one/relu", "two/conv", "two/bn", "two/tail/conv"]
    assert_rebuilt_alike(model, rng.normal(size=(4, 6, 6, 2)).astype("float32"))


def test_a_nested_model_called_twice_keeps_one_set_of_weights(rng):
    twice = block(layers.ReLU(name="relu"), "block")
    x = keras.Input((6, 6, 2))
    model = randomized(keras.Model(x, twice(twice(x))), rng)
    assert paths(model) == ["block/conv", "block/bn", "block/relu", "block/conv:2", "block/bn:2", "block/relu:2"]
    assert_rebuilt_alike(model, rng.normal(size=(4, 6, 6, 2)).astype("float32"))
    graph = walk(model)
    assert rebuild(model, graph, list(graph.outputs)).count_params() == model.count_params()


def test_named_inputs_reach_the_right_layers_also_in_nested_models(rng):
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    inner = keras.Model({"right": right, "left": left}, ops.relu(left) - 2 * right, name="inner")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model = keras.Model({"b": b, "a": a}, inner({"left": layers.Dense(4)(b), "right": a}))
    values = {name: rng.normal(size=(3, 4)).astype("float32") for name in "ab"}
    assert_rebuilt_alike(model, values)


def test_nested_models_with_named_outputs_are_rebuilt(rng):
    x = keras.Input((4,))
    inner = keras.Model(x, {"z": ops.relu(x), "y": ops.sigmoid(x)}, name="inner")
    y = keras.Input((4,))
    parts = inner(y)
    assert_rebuilt_alike(keras.Model(y, parts["z"] - parts["y"]), rng.normal(size=(3, 4)).astype("float32"))


def test_frozen_attention_is_frozen_in_the_copy_down_to_its_inner_layers():
    x = keras.Input((4, 3))
    model = keras.Model(x, layers.MultiHeadAttention(2, 3, name="attention")(x, x))
    model.trainable = False
    copy = rebuild(model, walk(model), list(walk(model).outputs))
    assert not any(weight.trainable for weight in copy.get_layer("attention").weights)


def test_attention_and_masks_are_rebuilt():
    tokens = keras.Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, mask_zero=True)(tokens)
    y = layers.MultiHeadAttention(2, 3)(query=x, value=x)
    y = layers.LayerNormalization()(x + y)
    model = keras.Model(tokens, layers.LSTM(3)(y))
    assert_rebuilt_alike(model, np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 1]], "int32"))


def test_what_a_normalization_layer_was_adapted_to_is_copied(rng):
    images = rng.normal(5, 3, (20, 6, 6, 2)).astype("float32")
    scale = layers.Normalization()
    scale.adapt(images)
    assert_rebuilt_alike(keras.Sequential([keras.Input((6, 6, 2)), scale, layers.Conv2D(2, 3)]), images[:4])


def test_channels_first_is_walked_and_rebuilt_in_structure():
    x = keras.Input((2, 6, 6))
    y = layers.Conv2D(3, 3, data_format="channels_first")(x)
    model = keras.Model(x, layers.BatchNormalization(axis=1)(y))
    graph = walk(model)
    assert rebuild(model, graph, list(graph.outputs)).outputs[0].shape == (None, 3, 4, 4)


@pytest.mark.parametrize(
    ("network", "options"),
    [(keras.applications.MobileNetV2, {"alpha": 0.35}), (keras.applications.EfficientNetB0, {})],
    ids=["MobileNetV2", "EfficientNetB0"],
)
def test_published_networks_are_rebuilt_to_the_same_output(network, options, rng):
    model = randomized(network(weights=None, input_shape=(32, 32, 3), classes=5, **options), rng)
    graph = walk(model)
    copy = rebuild(model, graph, list(graph.outputs))
    images = rng.uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    expected = outputs_of(model, images)[0]
    assert np.ptp(expected) > 1e-4
    np.testing.assert_allclose(outputs_of(copy, images)[0], expected, atol=1e-5)


def test_an_input_that_nothing_reads_any_more_stays_an_input(rng):
    image, more = keras.Input((3,), name="image"), keras.Input((2,), name="more")
    hidden = layers.Dense(4, name="hidden")(image)
    model = keras.Model({"image": image, "more": more}, layers.Dense(2)(layers.Concatenate()([hidden, more])))
    graph = walk(model)
    (first,) = [call.outputs[0] for call in graph.calls if call.path == "hidden"]
    x = {"image": rng.normal(size=(5, 3)).astype("float32"), "more": rng.normal(size=(5, 2)).astype("float32")}

    alone, beside = rebuild(model, graph, [first]), rebuild(model, graph, [first, graph.inputs[1]])

    wanted = x["image"] @ np.asarray(model.get_layer("hidden").kernel)
    np.testing.assert_allclose(outputs_of(alone, x)[0], wanted, atol=1e-6)
    np.testing.assert_allclose(outputs_of(beside, x)[1], x["more"])


def test_a_rebuilt_model_is_frozen_and_shares_nothing(rng):
    model = residual()
    graph = walk(model)
    copy = rebuild(model, graph, list(graph.outputs))
    assert not copy.trainable_weights
    assert model.trainable_weights
    before = model.get_weights()
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    for one, other in zip(before, model.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert not {id(each) for each in copy.layers} & {id(each) for each in model.layers}


def test_who_reads_a_tensor_reads_what_a_layer_makes_of_it(rng):
    x = keras.Input((4,))
    y = layers.Dense(4, name="first")(x)
    model = keras.Model(x, layers.Add(name="add")([layers.Dense(4, name="second")(y), y]))
    graph, values = walk(model), rng.normal(size=(3, 4)).astype("float32")
    keys = {call.path: call.outputs[0] for call in graph.calls}
    double, negate = layers.Rescaling(2.0), layers.Rescaling(-1.0)

    copy = rebuild(model, graph, [keys["first"], keys["add"]], through={keys["first"]: double, keys["add"]: negate})

    first = ops.convert_to_numpy(model.get_layer("first")(values))
    second = ops.convert_to_numpy(model.get_layer("second")(2 * first))
    found = outputs_of(copy, values)
    np.testing.assert_allclose(found[0], 2 * first, rtol=1e-5)
    np.testing.assert_allclose(found[1], -(second + 2 * first), rtol=1e-5)


def test_calls_are_copied_behind_any_tensors_with_one_copy_of_a_shared_layer(rng):
    x = keras.Input((4,))
    shared = layers.Dense(4, name="shared")
    y = shared(layers.Dense(4, name="first")(x))
    model = keras.Model(x, layers.Add()([shared(y), y]))
    graph, start = walk(model), keras.Input((4,))
    tensors = {graph.calls[0].outputs[0]: start}

    copy_calls(graph.calls[1:], tensors, {})

    tail = keras.Model(start, tensors[graph.outputs[0]])
    values = rng.normal(size=(3, 4)).astype("float32")
    once = shared(values)
    np.testing.assert_allclose(outputs_of(tail, values)[0], shared(once) + once, rtol=1e-5, atol=1e-6)
    assert tail.count_params() == shared.count_params()
    tail.set_weights([weight + 1 for weight in tail.get_weights()])
    np.testing.assert_array_equal(shared(values), once)


def test_calls_come_after_what_they_read():
    known = set()
    graph = walk(keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35))
    known.update(graph.inputs)
    for call in graph.calls:
        assert known.issuperset(call.inputs)
        known.update(call.outputs)
    assert known.issuperset(graph.outputs)


def test_a_model_for_any_size_has_known_sizes_where_it_is_called_on_one():
    image = keras.Input((None, None, 3))
    y = layers.ZeroPadding2D()(layers.Conv2D(4, 3, strides=2, name="conv")(image))
    any_size = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(y + layers.Conv2D(4, 1)(y)), name="body")
    calls = {call.path: call for call in walk(keras.Sequential([keras.Input((9, 7, 3)), any_size])).calls}
    assert calls["body/conv"].input_shapes == ((None, 9, 7, 3),)
    assert calls["body/conv"].output_shapes == ((None, 4, 3, 4),)
    assert calls["body/pool"].input_shapes == ((None, 6, 5, 4),)
    assert walk(any_size).calls[0].output_shapes == ((None, None, None, 4),)
