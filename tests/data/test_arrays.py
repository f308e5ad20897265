import numpy as np
import pytest

from fm_keras.data import as_dataset
from fm_keras.errors import InvalidInput


@pytest.fixture
def x(rng):
    return rng.random((40, 3, 3, 1), np.float32)


Y = np.arange(40) % 4


def test_without_test_images_a_stratified_fifth_is_held_out(x):
    dataset = as_dataset(x, Y)

    assert (len(dataset.train), len(dataset.test)) == (32, 8)
    assert np.bincount(dataset.test.labels).tolist() == [2, 2, 2, 2]
    both = np.concatenate([dataset.train.images, dataset.test.images])
    assert sorted(both[:, 0, 0, 0]) == sorted(x[:, 0, 0, 0])
    assert dataset.label_names == ("0", "1", "2", "3")


def test_given_test_images_are_taken_as_they_are(x):
    dataset = as_dataset(x[:30], Y[:30], test=(x[30:], Y[30:]), label_names=list("wxyz"), name="mine")

    assert np.array_equal(dataset.train.images, x[:30])
    assert np.array_equal(dataset.test.images, x[30:])
    assert (dataset.name, dataset.label_names) == ("mine", ("w", "x", "y", "z"))


@pytest.mark.parametrize("form", [lambda y: y[:, None], lambda y: np.eye(4)[y], lambda y: np.eye(4, dtype=int)[y]])
def test_labels_as_a_column_or_one_hot_are_the_same_labels(x, form):
    assert as_dataset(x, form(Y)).content_hash == as_dataset(x, Y).content_hash


def test_one_hot_labels_count_a_label_without_images(x):
    assert as_dataset(x, np.eye(6)[Y]).labels == 6


def test_named_inputs_stay_together(x):
    dataset = as_dataset({"image": x, "number": np.arange(40)}, Y)

    for split in (dataset.train, dataset.test):
        assert np.array_equal(split.images["image"], x[split.images["number"]])
        assert np.array_equal(split.labels, Y[split.images["number"]])


@pytest.mark.tensorflow
@pytest.mark.parametrize("named", [False, True])
def test_a_tf_data_pipeline_is_read_once_into_arrays(x, named):
    import tensorflow as tf

    inputs = {"image": x} if named else x
    train, test = (tf.data.Dataset.from_tensor_slices((inputs, Y)).batch(size) for size in (7, 40))

    dataset = as_dataset(train, test=test)

    assert dataset.content_hash == as_dataset(inputs, Y, test=(inputs, Y)).content_hash


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "Labels are missing: give x and y."),
        (Y[:30], "There are 30 labels but 40 images."),
        (Y + 0.5, "Labels must be whole numbers (N,) or one-hot (N, K); received float64 of shape (40,)."),
        (
            np.array(["cat", "dog"] * 20),
            "Labels must be whole numbers (N,) or one-hot (N, K); received <U3 of shape (40,).",
        ),
        (np.full((40, 4), 0.25), "Labels of shape (40, 4) must be one-hot: a single 1 in every row, else 0."),
        (Y - 1, "arrays: labels from -1 to 2 in split train; with 3 label names they must be 0 to 2."),
    ],
)
def test_labels_that_cannot_be_used_are_refused_in_one_line(x, y, message):
    with pytest.raises(InvalidInput) as error:
        as_dataset(x, y)
    assert str(error.value) == message


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda pipeline: pipeline,
            "The tf.data.Dataset gives single images; batch it: dataset.batch(100).",
        ),
        (
            lambda pipeline: pipeline.batch(8).repeat(),
            "The tf.data.Dataset has no end; leave out .repeat(), or end it with .take(batches).",
        ),
        (lambda pipeline: pipeline.batch(8).take(0), "The tf.data.Dataset gives no batch."),
    ],
)
def test_a_pipeline_that_cannot_be_read_is_refused_in_one_line(x, change, message):
    import tensorflow as tf

    pipeline = change(tf.data.Dataset.from_tensor_slices((x, Y)))
    with pytest.raises(InvalidInput) as error:
        as_dataset(pipeline, test=pipeline)
    assert str(error.value) == message


@pytest.mark.tensorflow
def test_a_pipeline_without_labels_or_test_images_is_refused(x):
    import tensorflow as tf

    images = tf.data.Dataset.from_tensor_slices(x).batch(8)
    with pytest.raises(
        InvalidInput, match=r"^The tf.data.Dataset must give pairs \(x, y\); its elements are TensorSpec"
    ):
        as_dataset(images, test=images)
    with pytest.raises(
        InvalidInput, match=r"^A tf.data.Dataset cannot be split: give the images to measure on as test=.$"
    ):
        as_dataset(images)
