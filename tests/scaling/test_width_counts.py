"""Counts at other widths, against networks that were really built."""

import keras
import pytest
from keras import layers

from fm_keras.models import ModelSpec, build_model, count_operations
from fm_keras.scaling.width_counts import width_counts

NARROW, WIDE = (3, 5, 7, 11, 13), (4, 9, 8, 6, 10)


def counted(model):
    return sum(count_operations(model).values()), model.count_params()


def spec_of(name, widths):
    """A network of this architecture with these widths of its blocks."""
    if name == "lenet":
        return ModelSpec(name=name, width=widths[0], depth_ratio=widths[1] / widths[0])
    blocks = 3 if name == "resnet20" else 4 if name == "vgg11" else 5
    head = {"head": "three", "dense_widths": (20, 30)} if name in ("avgg8", "avgg13") else {}
    return ModelSpec(name=name, block_widths=widths[:blocks], **head)


@pytest.mark.parametrize("name", ["vgg16", "vgg11", "vgg6", "avgg8", "avgg13", "lenet", "resnet20"])
def test_the_counts_at_other_widths_are_those_of_the_network_built_with_them(name):
    narrow, wide = (build_model(spec_of(name, widths)) for widths in (NARROW, WIDE))
    counts = width_counts(narrow)
    others = width_counts(wide).filters

    assert (counts.count(counts.filters, "macs"), counts.count(counts.filters, "parameters")) == counted(narrow)
    assert (counts.count(others, "macs"), counts.count(others, "parameters")) == counted(wide)


def inverted(first, second, third):
    """Every layer that channels can be followed through, in small."""
    image = keras.Input((9, 8, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = y = layers.BatchNormalization()(layers.Conv2D(first, 3, strides=2, padding="same", name="a")(x))
    x = layers.Cropping2D((0, 1))(layers.ZeroPadding2D((0, 1))(x))
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="b")(layers.ReLU()(x))
    x = layers.SeparableConv2D(second, 3, padding="same", depth_multiplier=3, use_bias=False, name="c")(x)
    x = layers.Concatenate()([x, y, layers.AveragePooling2D(2, padding="same")(image)])
    x = layers.Conv2DTranspose(third, 2, strides=2, name="d")(x)
    x = layers.Add()([x, layers.Conv2D(third, 1, name="e")(layers.UpSampling2D(2)(y))])
    pooled = layers.Dense(4, name="f")(layers.GlobalMaxPooling2D()(x))
    flat = layers.Dense(4, name="g")(layers.Dropout(0.5)(layers.Flatten()(x)))
    return keras.Model(image, layers.Dense(2)(layers.Average()([pooled, flat])))


def test_kinds_of_layers_count_at_other_widths_as_when_they_are_built():
    counts = width_counts(inverted(2, 3, 5))

    assert list(counts.filters) == ["a", "c", "d", "e"]
    for widths in ((2, 3, 5), (7, 4, 6)):
        filters = dict(zip("acde", (*widths, widths[2])))
        assert (counts.count(filters, "macs"), counts.count(filters, "parameters")) == counted(inverted(*widths))
        assert counts.all_filters(filters)["b"] == 2 * widths[0]


def first(image, widths):
    """Channels first, from a transposed convolution on; as many rows as channels."""
    one, two = widths
    how = {"data_format": "channels_first", "padding": "same"}
    x = layers.BatchNormalization(axis=1)(layers.Conv2DTranspose(one, 3, name="a", **how)(image))
    x = layers.Concatenate(axis=1)(
        [layers.MaxPooling2D(**how)(x), layers.Conv2D(two, 3, strides=2, name="b", **how)(x)]
    )
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(layers.LayerNormalization(axis=(1, 2, 3))(x))))


def test_channels_that_come_first_are_followed_too():
    image = keras.Input((3, 8, 8))
    counts = width_counts(first(image, (8, 4)))

    for widths in ((8, 4), (5, 7)):
        filters = dict(zip("ab", widths))
        assert (counts.count(filters, "macs"), counts.count(filters, "parameters")) == counted(first(image, widths))


def test_an_addition_of_unlike_widths_is_refused(message_of):
    counts = width_counts(inverted(2, 3, 5))

    said = message_of(counts.count, {"a": 2, "c": 3, "d": 5, "e": 6}, "macs")
    assert "'add" in said
    assert "5 and 6 channels" in said or "6 and 5 channels" in said


def gated(image):
    x = layers.Conv2D(4, 3)(image)
    return layers.Multiply(name="gate")([x, layers.Dense(4)(layers.GlobalAveragePooling2D(keepdims=True)(x))])


def shared(image):
    conv = layers.Conv2D(3, 3, name="twice", padding="same")
    return conv(conv(image))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (gated, "layer 'gate', it merges channels that stay"),
        (shared, "layer 'twice:2', it is called more than once"),
        (
            lambda image: layers.Conv2D(4, 3, groups=2, name="g")(layers.Conv2D(4, 3)(image)),
            "layer 'g', it has 2 groups",
        ),
        (lambda image: layers.Permute((2, 1, 3), name="p")(layers.Conv2D(4, 3)(image)), "layer 'p', it is a Permute"),
        (
            lambda image: layers.Concatenate(axis=1, name="c")([layers.Conv2D(4, 3, name=n)(image) for n in "ab"]),
            "layer 'c', it works along another axis than 3, that of the channels",
        ),
        # As many rows as channels: sizes alone do not tell which is which.
        (
            lambda image: layers.Concatenate(axis=1, name="c")([layers.Conv2D(6, 3, name=n)(image) for n in "ab"]),
            "layer 'c', it works along another axis",
        ),
        (
            lambda image: layers.BatchNormalization(axis=1, name="n")(layers.Conv2D(6, 3)(image)),
            "layer 'n', it works along another axis",
        ),
        (
            lambda image: layers.LayerNormalization(axis=(1, 2), name="n")(layers.Conv2D(6, 3)(image)),
            "layer 'n', it works along another axis",
        ),
        (
            lambda image: layers.MaxPooling2D(data_format="channels_first", name="p")(layers.Conv2D(6, 3)(image)),
            "layer 'p', it works along another axis",
        ),
        (
            lambda image: layers.Dense(4, name="d")(layers.Conv2D(6, 1, data_format="channels_first")(image)),
            "layer 'd', it works along another axis than 1, that of the channels",
        ),
    ],
)
def test_where_channels_cannot_be_followed_the_layer_is_named(make, said, message_of):
    image = keras.Input((8, 8, 3))

    assert said in message_of(width_counts, keras.Model(image, make(image)))
