import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_keras.data import Dataset, Split, choose_images, choose_labels, limit_images, stratified_split
from fm_keras.errors import InvalidInput


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=6), share=st.floats(0.05, 0.95), seed=st.integers(0, 99)
)
def test_a_stratified_split_holds_out_the_same_share_of_every_label(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))

    kept, held_out = stratified_split(labels, share, seed)

    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    for label, count in enumerate(counts):
        expected = min(max(1, round(share * count)), count - 1)
        assert np.sum(labels[held_out] == label) == expected


def test_a_stratified_split_depends_on_its_seed_alone():
    labels = np.arange(60) % 3
    first, again, other = (stratified_split(labels, 0.2, seed)[1] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_single_image_of_a_label_is_kept():
    kept, held_out = stratified_split(np.array([0, 0, 0, 1]), 0.5)

    assert 3 in kept
    assert len(held_out) > 0


@pytest.mark.parametrize(
    ("labels", "share", "message"),
    [
        ([0, 0], 1.0, "The share to hold out must lie between 0 and 1; received 1.0."),
        ([0, 1], 0.5, "No label has two images, so none can be held out for testing; give test images."),
    ],
)
def test_what_cannot_be_held_out_is_refused_in_one_line(labels, share, message):
    with pytest.raises(InvalidInput) as error:
        stratified_split(np.array(labels), share)
    assert str(error.value) == message


def test_chosen_labels_keep_their_images_and_take_the_order_given(dataset):
    chosen = choose_labels(dataset, ["c", 0])

    assert chosen.label_names == ("c", "a")
    for new, old in ((chosen.train, dataset.train), (chosen.test, dataset.test)):
        kept = old.labels != 1
        assert np.array_equal(new.images, old.images[kept])
        assert np.array_equal(new.labels, np.where(old.labels[kept] == 2, 0, 1))


def test_choosing_all_labels_in_order_changes_nothing(dataset):
    assert choose_labels(dataset, ["a", "1", 2]).content_hash == dataset.content_hash


def test_a_label_given_as_text_is_a_name_before_it_is_a_number():
    split = Split(np.zeros((3, 1)), [0, 1, 2])
    dataset = Dataset("numbers", split, split, ("2", "1", "0"))

    assert choose_labels(dataset, ["2", "1"]).label_names == ("2", "1")
    assert choose_labels(dataset, [2, 1]).label_names == ("0", "1")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "x"], "small has no label 'x'. Labels 0 to 2: a, b, c."),
        ([0, 3], "small has no label 3. Labels 0 to 2: a, b, c."),
        ([0, -1], "small has no label -1. Labels 0 to 2: a, b, c."),
        (["a", 0, "b"], "small: each label can be chosen once; repeated: a, 0."),
        (["a"], "small: at least two labels are needed; received 1."),
    ],
)
def test_labels_that_cannot_be_chosen_are_named_in_one_line(dataset, labels, message):
    with pytest.raises(InvalidInput) as error:
        choose_labels(dataset, labels)
    assert str(error.value) == message


def test_a_chosen_label_without_test_images_is_refused(dataset):
    lacking = Dataset("small", dataset.train, dataset.test.take(dataset.test.labels < 2), dataset.label_names)

    assert choose_labels(lacking, ["b", "a"]).labels == 2
    with pytest.raises(InvalidInput, match="split test has no image of label 'c'"):
        choose_labels(lacking, ["a", "c"])


def test_a_limit_keeps_the_first_images_of_each_label_in_their_order(dataset):
    limited = limit_images(dataset, 8)

    for new, old in ((limited.train, dataset.train), (limited.test, dataset.test)):
        assert np.array_equal(new.images, old.images[:6])
        assert np.array_equal(new.labels, old.labels[:6])


def test_a_limit_beyond_the_images_keeps_all(dataset):
    assert limit_images(dataset, 1000).content_hash == dataset.content_hash


def test_a_limit_is_balanced_for_imbalanced_labels():
    split = Split(np.zeros((103, 1)), [0] * 100 + [1] * 3)

    limited = limit_images(Dataset("skewed", split, split, ("many", "few")), 20)

    assert np.bincount(limited.train.labels).tolist() == [10, 3]


def test_a_limit_below_the_number_of_labels_is_refused_in_one_line(dataset):
    with pytest.raises(InvalidInput) as error:
        limit_images(dataset, 2)
    assert str(error.value) == (
        "small: a limit of 2 images cannot hold 3 labels. Raise it to 3 or more, or choose fewer labels."
    )


@given(count=st.integers(3, 70), seed=st.integers(0, 99))
def test_chosen_images_are_equally_many_of_every_label_in_the_order_of_the_split(count, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat([0, 1, 2], 30))
    split = Split(np.arange(90.0), labels)

    chosen = choose_images(split, count, labels=3, seed=seed)

    assert np.bincount(chosen.labels).tolist() == [count // 3] * 3
    assert (np.diff(chosen.images) > 0).all()
    assert np.array_equal(chosen.labels, labels[chosen.images.astype(int)])


def test_the_choice_of_images_depends_on_its_seed_alone():
    split = Split(np.arange(60.0), np.arange(60) % 3)
    first, again, other = (choose_images(split, 9, labels=3, seed=seed).images for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("count", [None, 7, 8])
def test_all_images_are_taken_where_there_are_no_more(count):
    split = Split(np.arange(7.0), [0, 0, 0, 0, 0, 0, 1])
    assert choose_images(split, count, labels=2) is split


def test_a_label_with_few_images_gives_all_and_one_without_gives_none():
    split = Split(np.arange(50.0), [0] * 48 + [2] * 2)
    assert np.bincount(choose_images(split, 30, labels=3).labels).tolist() == [10, 0, 2]


def test_a_count_of_images_below_the_number_of_labels_is_refused_in_one_line(dataset):
    with pytest.raises(InvalidInput) as error:
        choose_images(dataset.train, 2, labels=3)
    assert str(error.value) == "2 images cannot hold 3 labels. Take 3 or more."
