import numpy as np
from sklearn.datasets import load_digits

from fm_keras.data import load_dataset


def test_the_digits_are_those_of_scikit_learn_spread_over_0_to_255():
    dataset, original = load_dataset("digits"), load_digits()

    images = np.concatenate([dataset.train.images, dataset.test.images])
    assert (images.shape, images.dtype) == ((1797, 8, 8, 1), np.uint8)
    levels = sorted((images[..., 0] / 255 * 16).round().astype(int).reshape(1797, 64).tolist())
    assert levels == sorted(original.images.astype(int).reshape(1797, 64).tolist())
    assert (images.min(), images.max()) == (0, 255)


def test_the_digits_have_every_label_in_the_same_share_of_both_splits():
    dataset = load_dataset("digits")

    whole = np.bincount(load_digits().target)
    assert np.abs(np.bincount(dataset.test.labels) - whole / 5).max() <= 0.5
    assert np.array_equal(np.bincount(dataset.train.labels) + np.bincount(dataset.test.labels), whole)


def test_the_digits_are_the_same_every_time():
    assert load_dataset("digits").content_hash == load_dataset("digits").content_hash


def test_labels_and_limit_apply_to_any_source():
    dataset = load_dataset("digits", labels=["7", 1], limit=20)

    assert dataset.label_names == ("7", "1")
    assert np.bincount(dataset.train.labels).tolist() == [10, 10]
    assert np.bincount(dataset.test.labels).tolist() == [10, 10]
