"""A Sequential without an Input is built in the first step of its training: a copy stands in until then."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.callbacks import FilterMatrices, FilterQuality, HoldMasks, RepresentationComplexity
from fm_keras.data import Dataset, Split


@pytest.fixture
def unbuilt():
    """Makes the same network every time."""

    def make():
        keras.utils.set_random_seed(3)
        head = [layers.Rescaling(1 / 127.5, -1), layers.Conv2D(4, 3, activation="relu", name="conv")]
        tail = [layers.Dropout(0.3), layers.Dense(6, activation="relu", name="hidden"), layers.Dense(3)]
        return keras.Sequential([*head, layers.Flatten(), *tail], name="unbuilt")

    return make


def test_it_is_measured_from_the_first_epoch_on_and_ends_in_the_same_bits(fit, unbuilt, stripes):
    quality, complexity = FilterQuality(stripes, quality=True), RepresentationComplexity(stripes, ["hidden"])

    plain, _ = fit(model=unbuilt())
    watched, logs = fit(quality, complexity, model=unbuilt())

    assert [ops.convert_to_numpy(each).tobytes() for each in plain.variables] == [
        ops.convert_to_numpy(each).tobytes() for each in watched.variables
    ]
    assert quality.history[["epoch", "layer"]].to_numpy().tolist() == [
        [epoch, layer] for epoch in (0, 1) for layer in ("conv", "hidden")
    ]
    assert {"conv_quality", "hidden_n3"} <= set(logs)


def test_it_is_the_model_that_is_measured_not_what_stood_in(follow, unbuilt, stripes):
    def built_meanwhile(callback):
        model = unbuilt()
        callback.set_model(model)
        callback.on_train_begin()
        model.build((None, 8, 8, 1))
        for weights in model.get_layer("conv").weights:
            weights.assign(ops.ones(weights.shape))
        callback.on_epoch_end(0)
        return callback.analysis["conv"].class_means

    found = built_meanwhile(FilterQuality(stripes))

    np.testing.assert_allclose(found, np.repeat(found[..., :1], 4, axis=-1))


def test_a_training_that_diverges_in_its_first_epoch_goes_on(unbuilt, stripes):
    model, quality = unbuilt(), FilterQuality(stripes, ["hidden"], quality=True)
    hooks = keras.callbacks.CallbackList([quality], model=model)
    hooks.on_train_begin()
    model.build((None, 8, 8, 1))
    bias = model.get_layer("hidden").bias

    bias.assign(np.full(6, np.nan))
    hooks.on_epoch_end(0)
    first = quality.last
    bias.assign(np.ones(6))
    hooks.on_epoch_end(1)

    assert np.isnan(list(first.values())).all()
    assert list(first) == list(quality.last)
    assert np.isfinite([quality.last["hidden_noise"], quality.last["hidden_quality"]]).all()


def as_dict(stripes):
    splits = [Split({"left": each.images, "right": each.images}, each.labels) for each in (stripes.train, stripes.test)]
    return Dataset("two", *splits, stripes.label_names)


@pytest.mark.parametrize("kind", [FilterQuality, RepresentationComplexity])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda kind, stripes: kind(stripes, "third"), "It can be cut at: conv, hidden"),
        (lambda kind, stripes: kind(stripes, preprocess=lambda x: x[:, :2]), "cannot be built for images of shape (2,"),
        (lambda kind, stripes: kind(as_dict(stripes)), "has one input, but two has left, right"),
    ],
    ids=["layer", "shape", "inputs"],
)
def test_what_does_not_fit_is_said_when_training_begins(unbuilt, stripes, message_of, kind, how, said):
    hooks = keras.callbacks.CallbackList([how(kind, stripes)], model=unbuilt())

    assert said in message_of(hooks.on_train_begin)


def test_masks_cannot_be_held_before_there_are_weights(unbuilt, message_of):
    hooks = keras.callbacks.CallbackList([HoldMasks({"hidden": np.ones((144, 6), bool)})], model=unbuilt())

    assert "not built: call model.build(input_shape) first" in message_of(hooks.on_train_begin)


@pytest.mark.tensorflow
def test_filters_to_draw_are_checked_when_training_begins(unbuilt, stripes, tmp_path, message_of):
    quality = FilterQuality(stripes)
    drawing = FilterMatrices(tmp_path, quality, {"conv": [4]})
    hooks = keras.callbacks.CallbackList([quality, drawing], model=unbuilt())

    assert message_of(hooks.on_train_begin) == "conv has filters 0 to 3; there is no 4."
