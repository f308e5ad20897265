import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fm_keras.data import Dataset, Split, check_labels
from fm_keras.errors import InvalidInput

HOME = Path(__file__).parents[2]


def changed(dataset, *, train=None, test=None, label_names=None):
    names = label_names or dataset.label_names
    return Dataset(dataset.name, train or dataset.train, test or dataset.test, names)


def test_importing_the_data_wing_imports_neither_keras_nor_tensorflow():
    slow = "{'keras', 'tensorflow', 'tensorflow_datasets', 'sklearn'}"
    program = f"import sys, fm_keras.data; print({slow} & set(sys.modules) or 'none')"

    done = subprocess.run([sys.executable, "-c", program], cwd=HOME, capture_output=True, text=True, check=True)

    assert done.stdout == "none\n"


def test_a_split_is_read_only_and_leaves_the_given_arrays_writable(rng):
    images, labels = rng.random((4, 2, 2, 1), np.float32), np.array([0, 1, 0, 1])

    split = Split(images, labels)

    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 1
    images[0] = 0
    assert not split.images[0].any()


def test_a_split_keeps_types_but_for_labels_and_double_precision(rng):
    inputs = {"pixels": rng.random((3, 2)), "tokens": np.ones((3, 4), np.int32), "mask": np.ones(3, bool)}

    split = Split(inputs, np.array([0, 1, 0], np.uint8))

    assert {name: array.dtype.name for name, array in split.images.items()} == {
        "pixels": "float32",
        "tokens": "int32",
        "mask": "bool",
    }
    assert split.labels.dtype == np.int64
    assert len(split) == 3


def test_only_one_array_of_four_axes_holds_pictures(split):
    assert split.holds_pictures
    assert not Split(np.zeros((3, 8)), np.arange(3)).holds_pictures
    assert not Split({"image": split.images}, split.labels).holds_pictures


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 2)), [0, 1], "There are 2 labels but 3 images."),
        ({"a": np.zeros((2, 1)), "b": np.zeros((3, 1))}, [0, 1], "There are 2 labels but 3 b."),
        (
            np.zeros((2, 2)),
            [0.0, 1.0],
            "Labels must be a vector of whole numbers; received float64 of shape (2,).",
        ),
        (
            np.zeros((2, 2)),
            [[0], [1]],
            "Labels must be a vector of whole numbers; received int64 of shape (2, 1).",
        ),
        (
            np.array(["x", "y"]),
            [0, 1],
            "The images must be an array of numbers; received <U1 of shape (2,).",
        ),
        (np.zeros((0, 2)), np.zeros(0, int), "A split must hold at least one image; received none."),
    ],
)
def test_a_split_that_does_not_fit_is_refused_in_one_line(images, labels, message):
    with pytest.raises(InvalidInput) as error:
        Split(images, labels)
    assert str(error.value) == message


def test_a_data_set_knows_its_shape_labels_and_description(dataset):
    assert dataset.image_shape == (4, 4, 1)
    assert dataset.labels == 3
    assert dataset.description == "small: 42 images, 4 x 4 x 1, 3 labels"


def test_named_inputs_have_their_shapes_by_name():
    split = Split({"left": np.zeros((4, 2)), "right": np.zeros((4, 3, 1))}, np.arange(4) % 2)
    dataset = Dataset("pair", split, split, ("no", "yes"))

    assert dataset.image_shape == {"left": (2,), "right": (3, 1)}
    assert dataset.description == "pair: 8 images, left 2, right 3 x 1, 2 labels"


def test_the_content_hash_is_that_of_equal_content_whatever_its_name_and_memory_layout(dataset):
    fortran = Split(np.asfortranarray(dataset.train.images), dataset.train.labels.copy())
    same = Dataset("other name", fortran, dataset.test, dataset.label_names)

    assert same.content_hash == dataset.content_hash
    assert len(dataset.content_hash) == 64


def test_the_content_hash_changes_with_any_pixel_label_name_type_or_shape(dataset):
    images, labels = dataset.train.images, dataset.train.labels
    pixel, label = images.copy(), labels.copy()
    pixel[3, 2, 1, 0] ^= 1
    label[5] = (label[5] + 1) % 3
    others = [
        changed(dataset, train=Split(pixel, labels)),
        changed(dataset, train=Split(images, label)),
        changed(dataset, label_names=("a", "b", "d")),
        changed(dataset, train=Split(images.view(np.int8), labels)),
        changed(dataset, train=dataset.test, test=dataset.train),
        Dataset(
            "small", *(Split(s.images.reshape(-1, 2, 8, 1), s.labels) for s in (dataset.train, dataset.test)), "abc"
        ),
        Dataset("small", *(Split({"x": s.images}, s.labels) for s in (dataset.train, dataset.test)), "abc"),
    ]

    assert len({other.content_hash for other in others} | {dataset.content_hash}) == len(others) + 1


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (("a",), [0, 0], "broken: at least two labels are needed; received 1."),
        (("a", "b", "a"), [0, 1], "broken: label names must differ; repeated: a."),
        (
            ("a", "b"),
            [0, 2],
            "broken: labels from 0 to 2 in split train; with 2 label names they must be 0 to 1.",
        ),
        (
            ("a", "b"),
            [-1, 1],
            "broken: labels from -1 to 1 in split train; with 2 label names they must be 0 to 1.",
        ),
    ],
)
def test_labels_that_do_not_fit_their_names_are_refused_in_one_line(names, labels, message):
    split = Split(np.zeros((2, 3)), labels)
    with pytest.raises(InvalidInput) as error:
        Dataset("broken", split, split, names)
    assert str(error.value) == message


def test_splits_of_unequal_image_shape_are_refused_in_one_line(dataset):
    wide = Split(np.zeros((2, 4, 6, 1)), [0, 1])
    with pytest.raises(InvalidInput) as error:
        changed(dataset, test=wide)
    assert str(error.value) == "small: images are (4, 4, 1) in split train but (4, 6, 1) in split test."


def test_a_label_without_images_is_named_when_its_split_is_checked(dataset):
    lacking = changed(dataset, test=dataset.test.take(dataset.test.labels == 1))

    check_labels(lacking, "train")
    with pytest.raises(InvalidInput) as error:
        check_labels(lacking)
    assert str(error.value) == (
        "small: split test has no image of label 'a', 'c'. Choose labels that have images, or raise the limit."
    )


def test_of_many_labels_without_images_five_are_named():
    split = Split(np.zeros((2, 1)), [0, 1])
    dataset = Dataset("many", split, split, tuple(f"label {number}" for number in range(20)))

    with pytest.raises(InvalidInput, match=r"'label 2', .*'label 6' and 13 more\. Choose"):
        check_labels(dataset)
