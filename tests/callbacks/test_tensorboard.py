"""Pictures that TensorBoard reads, of filters that FilterQuality has measured."""

import pytest

from fm_keras.callbacks import FilterMatrices, FilterQuality

pytestmark = pytest.mark.tensorflow


def pictures(folder):
    """(epoch, tag, width, height, bytes) of every image summary in a folder."""
    import tensorflow as tf

    found = []
    for file in sorted(folder.glob("events.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "images"
                width, height, png = tf.make_ndarray(value.tensor)
                found.append((event.step, value.tag, int(width), int(height), png))
    return found


def test_chosen_filters_are_drawn_in_the_epochs_in_which_they_were_measured(fit, stripes, tmp_path):
    import tensorflow as tf

    quality = FilterQuality(stripes, ["first", "block/conv"], every=2)
    drawing = FilterMatrices(tmp_path, quality, {"first": [0, 3], "block/conv": [1]})

    fit(quality, drawing, epochs=3)

    found = pictures(tmp_path / "filters")
    tags = ["first/filter 0", "first/filter 3", "block/conv/filter 1"]
    assert [each[:2] for each in found] == [(epoch, tag) for epoch in (0, 2) for tag in tags]
    for _, _, width, height, png in found:
        assert tf.io.decode_png(png).shape[:2] == (height, width)


def test_a_diverged_epoch_has_no_pictures(follow, build, stripes, tmp_path):
    quality, model = FilterQuality(stripes, ["first"]), build()
    model.get_layer("first").bias.assign([float("inf")] * 4)
    follow(quality, 1, model=model)

    follow(FilterMatrices(tmp_path, quality, {"first": [0]}), 1)

    assert pictures(tmp_path / "filters") == []


def test_what_is_not_measured_is_refused_when_training_begins(follow, stripes, tmp_path, message_of):
    quality = FilterQuality(stripes, ["first"])
    drawing = FilterMatrices(tmp_path, quality, {"hidden": [0]})

    assert "put that one before it" in message_of(lambda: follow(drawing))
    follow(quality, 1)
    assert message_of(drawing.on_train_begin) == "No layer 'hidden' is measured. There are: first."
    missing = FilterMatrices(tmp_path, quality, {"first": [0, 4]})
    assert message_of(missing.on_train_begin) == "first has filters 0 to 3; there is no 4."


def test_a_config_makes_the_same_callback(stripes, tmp_path):
    quality = FilterQuality(stripes)
    config = FilterMatrices(tmp_path, quality, {"first": range(2)}).get_config()

    assert FilterMatrices.from_config(config, quality).get_config() == config
    assert config["filters"] == {"first": [0, 1]}
