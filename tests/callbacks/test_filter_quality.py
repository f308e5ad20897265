"""FilterQuality against analyze, which measures the same in full."""

import keras
import numpy as np
import pytest

import fm_keras
from fm_keras.callbacks import FilterQuality
from fm_keras.data import Dataset, Split
from fm_keras.errors import CannotCut
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import class_means


def test_it_measures_the_weights_that_the_model_has_then(follow, stripes):
    quality = FilterQuality(stripes)

    model, _ = follow(quality, 3)

    means = class_means(model, stripes)
    assert list(means) == [filters.layer for filters in quality.analysis]
    for filters in quality.analysis:
        expected = means[filters.layer].reshape(filters.class_means.shape)
        np.testing.assert_allclose(filters.class_means, expected, rtol=1e-4, atol=1e-5)


def test_with_as_many_passes_it_says_what_analyze_says(follow, stripes):
    probe = ProbeSettings(epochs=40, batch_size=16)
    quality = FilterQuality(stripes, probe=probe)

    model, _ = follow(quality, 1)

    found = fm_keras.analyze(model, stripes, probe=probe).layers()
    table = quality.history
    assert table["probe_accuracy"].to_numpy() == pytest.approx(found["accuracy"].to_numpy(), abs=0.06)
    assert table["n_clusters"].to_numpy() == pytest.approx(found["n_clusters"].to_numpy(), abs=0.3)


def test_quality_is_that_of_analyze(follow, stripes):
    quality = FilterQuality(stripes, quality=True)

    model, logs = follow(quality, 1)

    found = fm_keras.analyze(model, stripes, fields="network").layers()["quality"]
    assert quality.history["quality"].to_numpy() == pytest.approx(found.to_numpy(), abs=1e-5)
    assert logs[0]["block/conv_quality"] == quality.history["quality"][1]


def test_images_go_through_preprocess_as_in_analyze(follow, stripes):
    def darker(images):
        return images // 2

    quality = FilterQuality(stripes, ["first"], preprocess=darker)
    model, _ = follow(quality, 1)

    expected = class_means(model, stripes, layers=["first"], preprocess=darker)["first"]
    np.testing.assert_allclose(quality.analysis["first"].class_means.reshape(expected.shape), expected, rtol=1e-4)


def test_fields_can_be_measured_on_training_images(follow, stripes):
    settings = AnalysisSettings(split="train")
    quality = FilterQuality(stripes, ["hidden"], settings=settings)
    model, _ = follow(quality, 1)

    expected = class_means(model, stripes, layers=["hidden"], settings=settings)["hidden"]
    assert quality.analysis.images == len(stripes.train)
    np.testing.assert_allclose(quality.analysis["hidden"].class_means[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_a_diverged_training_goes_on_and_has_nan_in_its_logs(build, stripes):
    quality, model = FilterQuality(stripes, ["first"]), build()
    bias = model.get_layer("first").bias
    quality.set_model(model)
    quality.on_train_begin()
    logs = [{}, {}]

    bias.assign(np.full(4, np.inf))
    quality.on_epoch_end(0, logs[0])
    bias.assign(np.zeros(4))
    quality.on_epoch_end(1, logs[1])

    assert np.isnan(list(logs[0].values())).all()
    assert np.isfinite(logs[1]["first_noise"])
    assert list(logs[0]) == list(logs[1])


def test_a_training_whose_units_died_goes_on_and_has_nan_for_qualities(follow, stripes):
    image = keras.Input((8, 8, 1))
    x = keras.layers.Dense(4, "relu", kernel_initializer="ones", name="alive")(keras.layers.Flatten()(image))
    far = keras.initializers.Constant(-9)
    x = keras.layers.Dense(5, "relu", kernel_initializer=far, bias_initializer="ones", name="dead")(x)
    model = keras.Model(image, keras.layers.Dense(3)(x))
    quality = FilterQuality(stripes, ["alive"], quality=True)

    _, logs = follow(quality, 1, model=model)

    assert np.isnan(logs[0]["alive_quality"])
    assert logs[0]["alive_probe_accuracy"] > 0.3


def test_of_several_outputs_one_is_chosen_as_for_analyze(follow, build, stripes, message_of):
    base = build()
    hidden = base.get_layer("hidden").output
    side = keras.layers.Dense(2, name="side")(keras.layers.Dense(3, name="aside")(hidden))
    model = keras.Model(base.input, {"what": base.output, "size": side})
    quality = FilterQuality(stripes, quality=True, output="what")

    model, _ = follow(quality, 1, model=model)

    found = fm_keras.analyze(model, stripes, fields="network", output="what").layers()
    assert quality.layers == list(found["layer"]) == ["first", "block/conv", "hidden"]
    assert quality.history["quality"].to_numpy() == pytest.approx(found["quality"].to_numpy(), abs=1e-5)
    assert "Choose it with output=" in message_of(lambda: follow(FilterQuality(stripes, quality=True), model=model))


def test_preprocess_may_change_the_shape_of_images(follow, build, stripes, message_of):
    def enlarge(images):
        return keras.ops.repeat(keras.ops.repeat(images, 2, axis=1), 2, axis=2)

    splits = [Split(each.images[:, ::2, ::2], each.labels) for each in (stripes.train, stripes.test)]
    small = Dataset("small", *splits, stripes.label_names)
    quality = FilterQuality(small, quality=True, preprocess=enlarge)
    model, _ = follow(quality, 1)

    expected = class_means(model, small, layers=["first"], preprocess=enlarge)["first"]
    np.testing.assert_allclose(quality.analysis["first"].class_means.reshape(expected.shape), expected, rtol=1e-4)
    assert message_of(lambda: follow(FilterQuality(stripes, preprocess=enlarge))) == (
        "Model 'small' takes images of shape (8, 8, 1), but those of stripes are (16, 16, 1) after preprocess. Resize "
        "the images, or build the model for their shape."
    )


def test_it_takes_no_more_images_than_it_is_told(follow, stripes):
    quality = FilterQuality(stripes, ["hidden"], images=30)
    follow(quality, 1)

    assert quality.analysis.images == 30


def test_what_cannot_be_measured_is_said_when_training_begins(follow, stripes, message_of):
    assert "It can be cut at: first, block/conv, hidden" in message_of(lambda: follow(FilterQuality(stripes, "third")))
    tight = FilterQuality(stripes, settings=AnalysisSettings(memory_limit=1e-6))
    assert "layers=['hidden']" in message_of(lambda: follow(tight))
    two = Dataset("two", *(Split(each.images, each.labels % 2) for each in (stripes.train, stripes.test)), ("a", "b"))
    said = message_of(lambda: follow(FilterQuality(two, quality=True)))
    assert said.startswith("Model 'small' has 3 logits, but two has 2 labels. Quality needs one logit for each label")


def test_a_model_without_a_graph_is_refused(stripes):
    class Own(keras.Model):
        pass

    hooks = keras.callbacks.CallbackList([FilterQuality(stripes)], model=Own())
    with pytest.raises(CannotCut, match="subclassed"):
        hooks.on_train_begin()
