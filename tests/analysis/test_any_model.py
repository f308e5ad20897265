"""Models of every kind: where each is cut, that its fields add up, that it is left as it was, or why it is refused."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from fm_keras.analysis import analyze
from fm_keras.settings import ProbeSettings
from fm_keras.slicing import cut_points, slice_model

PROBE = ProbeSettings(epochs=1, batch_size=12)
IMAGE = (6, 6, 2)


class Doubled(layers.Layer):
    """Registered nowhere, without weights, and takes no options."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x


class Block(layers.Layer):
    """A convolution that no graph shows."""

    def __init__(self, filters, **options):
        super().__init__(**options)
        self.filters = filters
        self.conv = layers.Conv2D(filters, 3)

    def call(self, x):
        return ops.relu(self.conv(x))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class Backbone(keras.Model):
    """Subclassed, inside a functional model."""

    def __init__(self):
        super().__init__(name="backbone")
        self.conv = layers.Conv2D(4, 3)

    def call(self, x):
        return ops.mean(self.conv(x), axis=(1, 2))


class Classifier(keras.Model):
    """Subclassed, but made through the functional constructor, with a nested backbone: as KerasHub does it."""

    def __init__(self):
        image = keras.Input((None, None, 2))
        backbone = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(4, 3, name="conv")], name="backbone")
        pooled = layers.GlobalAveragePooling2D()(backbone(image))
        super().__init__(image, layers.Dense(3, name="logits")(pooled), name="classifier")
        self.backbone = backbone


def sequential(*stack, shape=IMAGE):
    return keras.Sequential([keras.Input(shape), *stack])


def classifying(x, y):
    return keras.Model(x, layers.Dense(3, name="out")(layers.GlobalAveragePooling2D()(y)))


def conv(name="conv", **options):
    return layers.Conv2D(4, 3, name=name, **options)


def shared_encoder():
    left, right = keras.Input(IMAGE, name="left"), keras.Input(IMAGE, name="right")
    encoder = keras.Sequential([keras.Input(IMAGE), conv(), layers.ReLU(), layers.GlobalMaxPooling2D()], name="encoder")
    pair = layers.Concatenate(name="pair")([encoder(left), encoder(right)])
    return keras.Model([left, right], layers.Dense(3)(pair), name="pairs")


def named_inputs():
    image, more = keras.Input(IMAGE, name="image"), keras.Input((5,), name="more")
    seen = layers.GlobalAveragePooling2D()(conv(activation="relu")(image))
    joined = layers.Concatenate(name="joined")([seen, layers.Dense(2, name="side")(more)])
    return keras.Model({"image": image, "more": more}, layers.Dense(3)(joined))


def squeeze_and_excite():
    x = keras.Input(IMAGE)
    y = conv(activation="silu")(layers.Rescaling(1 / 255)(x))
    gate = layers.Conv2D(2, 1, activation="relu", name="squeeze")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="excite")(gate)
    return classifying(x, conv("project")(layers.Multiply(name="scaled")([y, gate])))


def transformer():
    x = keras.Input((6, 4))
    y = layers.Dense(8, name="embed")(x)
    normed = layers.LayerNormalization()(y)
    y = layers.Add(name="attended")([y, layers.MultiHeadAttention(2, 4, name="attention")(normed, normed)])
    z = layers.Dense(12, activation="gelu", name="up")(layers.LayerNormalization()(y))
    y = layers.Add(name="fed")([y, layers.Dense(8, name="down")(z)])
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(y)))


def shared_layer():
    x = keras.Input(IMAGE)
    layer = layers.Conv2D(2, 3, padding="same", name="shared")
    return classifying(x, layers.ReLU(name="relu")(layer(layers.ReLU()(layer(x)))))


def backbone_inside():
    x = keras.Input(IMAGE)
    return keras.Model(x, layers.Dense(3)(Backbone()(x)))


def in_bfloat16():
    last = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return sequential(conv(), layers.BatchNormalization(), layers.ReLU(), POOL(), layers.Dense(3, dtype="float32"))
    finally:
        keras.config.set_dtype_policy(last)


POOL = layers.GlobalAveragePooling2D
FIRST = "channels_first"
# name: how it is made, and its cuts with their units
MODELS = {
    "shared encoder": (shared_encoder, {"encoder/conv": 4, "encoder/conv:2": 4, "pair": 8}),
    "shared layer": (shared_layer, {"shared": 2, "shared:2": 2}),
    "named inputs": (named_inputs, {"conv": 4, "side": 2, "joined": 6}),
    "functional subclass on images of one size": (lambda: sequential(Classifier()), {"classifier/backbone/conv": 4}),
    "subclassed backbone": (backbone_inside, {"backbone": 4}),
    "custom layer that hides its convolution": (
        lambda: sequential(Block(4, name="block"), POOL(), layers.Dense(3)),
        {"block": 4},
    ),
    "custom layer without options": (lambda: sequential(conv(), Doubled(2.0), POOL(), layers.Dense(3)), {"conv": 4}),
    "Lambda": (lambda: sequential(conv(), layers.Lambda(lambda x: ops.tanh(x)), POOL(), layers.Dense(3)), {"conv": 4}),
    "softmax": (lambda: sequential(conv(), POOL(), layers.Dense(3, "softmax")), {"conv": 4}),
    "final Activation": (
        lambda: sequential(conv(), POOL(), layers.Dense(3), layers.Activation("softmax")),
        {"conv": 4},
    ),
    "logits from a convolution": (
        lambda: sequential(conv(), layers.Conv2D(3, 1, name="last"), POOL()),
        {"conv": 4, "last": 3},
    ),
    "channels first": (
        lambda: sequential(
            conv(data_format=FIRST), layers.BatchNormalization(axis=1), POOL(FIRST), layers.Dense(3), shape=(2, 6, 6)
        ),
        {"conv": 4},
    ),
    "one dimension": (
        lambda: sequential(
            layers.Conv1D(4, 3, name="conv"),
            layers.AveragePooling1D(2),
            layers.GlobalMaxPooling1D(),
            layers.Dense(3),
            shape=(9, 2),
        ),
        {"conv": 4},
    ),
    "three dimensions": (
        lambda: sequential(
            layers.Conv3D(4, 2, name="conv"),
            layers.AveragePooling3D(2),
            layers.Flatten(),
            layers.Dense(3),
            shape=(5, 5, 5, 1),
        ),
        {"conv": 4},
    ),
    "strides and pools": (
        lambda: sequential(
            conv("one", strides=2, padding="same"),
            layers.DepthwiseConv2D(2, depth_multiplier=2, name="two"),
            layers.AveragePooling2D(2),
            layers.SeparableConv2D(3, 1, name="three"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ),
        {"one": 4, "two": 8, "three": 3},
    ),
    "normalizations": (
        lambda: sequential(
            conv("one"),
            layers.BatchNormalization(scale=False),
            layers.PReLU(),
            conv("two"),
            layers.GroupNormalization(2),
            layers.ReLU(6),
            layers.Flatten(),
            layers.Dense(3),
        ),
        {"one": 4, "two": 4},
    ),
    "squeeze and excite": (squeeze_and_excite, {"conv": 4, "squeeze": 2, "excite": 4, "project": 4}),
    "transformer": (transformer, {"embed": 8, "attention": 8, "attended": 8, "up": 12, "down": 8, "fed": 8}),
    "mixed bfloat16": (in_bfloat16, {"conv": 4}),
    "augmentation inside": (
        lambda: sequential(layers.RandomFlip(), layers.RandomRotation(0.1), conv(), POOL(), layers.Dense(3)),
        {"conv": 4},
    ),
    "wrapped layers": (
        lambda: sequential(
            layers.TimeDistributed(conv(), name="frames"), layers.Flatten(), layers.Dense(3), shape=(2, *IMAGE)
        ),
        {"frames": 4},
    ),
}


def images_for(model, count, rng):
    """Random images by the names of the model's inputs; a lone input as an array."""
    images = {each.name: rng.normal(1, 1, (count, *each.shape[1:])).astype("float32") for each in model.inputs}
    return images if len(images) > 1 else next(iter(images.values()))


def state_of(model):
    """What must be the same afterwards: weights, `trainable`, and how often each layer was called."""
    flat = list(model._flatten_layers())
    return [w.copy() for w in model.get_weights()], [(e.name, e.trainable, len(e._inbound_nodes)) for e in flat]


def mean_probe_logits(model, filters, x, labels):
    """(K, K) what the probe puts out for the images of each label, from the layer's activations as they are."""
    (cut,) = cut_points(model, layers=[filters.layer])
    seen = ops.convert_to_numpy(ops.cast(slice_model(model, filters.layer)(x, training=False), "float32"))
    if cut.channels_first:
        seen = np.moveaxis(seen, 1, -1)
    logits = seen.reshape(len(labels), -1) @ filters.kernel.reshape(-1, filters.kernel.shape[-1])
    return np.stack([logits[labels == label].mean(axis=0) for label in np.unique(labels)])


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_cut_measured_and_left_as_it_was(name, rng):
    keras.utils.set_random_seed(0)
    build, cuts = MODELS[name]
    model = build()
    x, labels = images_for(model, 24, rng), np.arange(24) % 3
    before = state_of(model)

    analysis = analyze(model, (x, labels), test=(x, labels), fields="both", probe=PROBE)

    assert dict(zip(analysis.layers()["layer"], analysis.layers()["units"])) == cuts
    for filters in analysis:
        expected = mean_probe_logits(model, filters, x, labels)
        tolerance = 1e-5 + 1e-4 * np.abs(expected).max() + (0.02 if name == "mixed bfloat16" else 0)
        np.testing.assert_allclose(filters.fields.sum(axis=0), expected, atol=tolerance)
        assert np.abs(filters.fields).max() > 0
        assert {"quality", "quality_low", "quality_high"} <= set(filters.table)
        assert analysis.network[filters.layer].fields.shape == filters.fields.shape
    for old, new in zip(before[0], model.get_weights()):
        np.testing.assert_array_equal(new, old)
    assert state_of(model)[1] == before[1]


def test_network_fields_of_the_last_cut_add_up_to_the_models_own_logits(rng):
    x, labels = rng.normal(1, 1, (24, *IMAGE)).astype("float32"), np.arange(24) % 3
    model = MODELS["softmax"][0]()
    head = model.layers[-1]
    analysis = analyze(model, (x, labels), test=(x, labels), fields="network")
    logits = ops.convert_to_numpy(model.layers[1](model.layers[0](x)) @ head.kernel)
    expected = np.stack([logits[labels == label].mean(axis=0) for label in range(3)])
    np.testing.assert_allclose(analysis["conv"].fields.sum(axis=0), expected, atol=1e-5)


def test_several_inputs_may_be_a_list_in_the_models_order(rng):
    model, labels = shared_encoder(), np.arange(24) % 3
    x = images_for(model, 24, rng)
    how = {"fields": "network", "label_names": "abc"}
    named = analyze(model, (x, labels), test=(x, labels), **how)
    listed = analyze(model, (list(x.values()), labels), test=(list(x.values()), labels), **how)
    pd.testing.assert_frame_equal(listed.filters(), named.filters())
