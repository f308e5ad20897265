"""Multiply-accumulates of whole networks against a literal count from shapes, and against published figures."""

from math import prod

import keras
import pytest
from keras import layers

from fm_keras.models import ModelSpec, build_model, count_operations, model_names

applications = keras.applications


def by_hand(layer):
    """Multiplications of one layer as a textbook counts them: from its config and its input and output shapes."""
    if isinstance(layer, keras.Model):
        return sum(map(by_hand, layer.layers))
    if isinstance(layer, layers.Dense):
        *_, read = layer.input.shape
        return prod(layer.output.shape[1:]) * read
    if isinstance(layer, layers.MultiHeadAttention):
        return attention_by_hand(layer)
    if isinstance(layer, layers.Dot):  # a weighted sum over tokens
        weights, tokens = (tensor.shape for tensor in layer.input)
        return prod(weights[1:]) * tokens[-1]
    if layer.name == "positions":  # a factor for each number
        return prod(layer.output.shape[1:])
    if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
        assert not any("kernel" in weight.name for weight in layer.weights), f"no hand count of {layer.name}"
        return 0
    config, read, made = layer.get_config(), layer.input.shape, layer.output.shape
    channels = 3 if config["data_format"] == "channels_last" else 1
    positions = prod(made[1:]) // made[channels]
    of_group = 1 if isinstance(layer, layers.DepthwiseConv2D) else read[channels] // config["groups"]
    return positions * made[channels] * of_group * prod(config["kernel_size"])


def attention_by_hand(layer):
    """Of T tokens of width W: query, key and value, T x T products of queries with keys and values, projection."""
    config, (_, tokens, width) = layer.get_config(), layer.output.shape
    inner = config["num_heads"] * config["key_dim"]
    return 4 * tokens * width * inner + 2 * tokens**2 * inner


@pytest.mark.parametrize(
    ("build", "parameters", "published"),
    [
        # Parameters: keras.io/api/applications.  MACs: arXiv:1512.03385, 1905.11946, 1801.04381, torchvision's table
        # of models (DenseNet-121: 2.83 G), arXiv:2201.03545.
        (applications.ResNet50, 25.6e6, 3.8e9),
        (applications.EfficientNetB0, 5.3e6, 0.39e9),
        (applications.MobileNetV2, 3.5e6, 300e6),
        (applications.DenseNet121, 8.1e6, 2.83e9),
        (applications.ConvNeXtTiny, 28.6e6, 4.5e9),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_networks_of_keras_applications_take_what_is_published_and_counted_by_hand(build, parameters, published):
    model = build(weights=None)

    counted = sum(count_operations(model).values())

    assert counted == by_hand(model)
    assert counted == pytest.approx(published, rel=0.02)
    assert model.count_params() == pytest.approx(parameters, rel=0.02)


@pytest.mark.parametrize("name", model_names())
def test_every_network_here_takes_what_is_counted_by_hand(name):
    model = build_model(ModelSpec(name=name, width=2, image_shape=(28, 30, 3)))

    assert sum(count_operations(model).values()) == by_hand(model)


def test_a_resnet_of_50_layers_in_the_middle_of_a_model_counts_the_same():
    body = applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg")
    image = keras.Input((64, 64, 3))
    model = keras.Model(image, layers.Dense(5)(body(layers.Rescaling(1 / 255)(image))))

    assert sum(count_operations(model).values()) == by_hand(body) + 2048 * 5
