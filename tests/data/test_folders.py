import numpy as np
import pytest
from PIL import Image

from fm_keras.data import load_dataset
from fm_keras.errors import DataNotFound, InvalidInput


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def colored(rng, height=5, width=7):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def refusal(path):
    with pytest.raises((InvalidInput, DataNotFound)) as error:
        load_dataset(f"folder:{path}")
    return str(error.value)


def test_train_and_test_folders_come_back_as_they_were_written(tmp_path, rng):
    written = {}
    for split, count in (("train", 4), ("test", 2)):
        for label in ("cat", "dog"):
            written[split, label] = [colored(rng) for _ in range(count)]
            for number, pixels in enumerate(written[split, label]):
                save(tmp_path / split / label / f"{number}.png", pixels)

    dataset = load_dataset(f"folder:{tmp_path}")

    assert dataset.label_names == ("cat", "dog")
    assert np.array_equal(dataset.train.images, np.stack(written["train", "cat"] + written["train", "dog"]))
    assert np.array_equal(dataset.test.images, np.stack(written["test", "cat"] + written["test", "dog"]))
    assert dataset.train.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_folders_without_a_split_have_a_stratified_fifth_held_out_and_report_every_image(tmp_path, rng):
    for label in ("cat", "dog"):
        for number in range(10):
            save(tmp_path / label / f"{number}.PNG", colored(rng))
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    steps = []

    dataset = load_dataset(f"folder:{tmp_path}", progress=steps.append)

    assert np.bincount(dataset.train.labels).tolist() == [8, 8]
    assert np.bincount(dataset.test.labels).tolist() == [2, 2]
    assert [(step.done, step.total) for step in steps] == [(done, 20) for done in range(1, 21)]


def test_grey_images_keep_one_channel_and_a_mixture_has_three(tmp_path, rng):
    for label in ("a", "b"):
        for number in range(2):
            save(tmp_path / label / f"{number}.png", colored(rng)[..., 0])

    grey = load_dataset(f"folder:{tmp_path}")
    save(tmp_path / "a" / "2.png", colored(rng))
    mixed = load_dataset(f"folder:{tmp_path}")

    assert grey.image_shape == (5, 7, 1)
    assert mixed.image_shape == (5, 7, 3)


def test_labels_that_are_numbers_are_sorted_by_value(tmp_path, rng):
    for label in ("10", "9", "1"):
        for number in range(2):
            save(tmp_path / label / f"{number}.png", colored(rng))

    assert load_dataset(f"folder:{tmp_path}").label_names == ("1", "9", "10")


def test_images_of_unequal_size_are_refused_with_the_file(tmp_path, rng):
    for file, width in (("cat/0.png", 7), ("cat/1.png", 7), ("dog/0.png", 7), ("dog/1.png", 8)):
        save(tmp_path / file, colored(rng, width=width))

    assert refusal(tmp_path) == (
        f"folder:{tmp_path}: all images must have one size; {tmp_path}/cat/0.png is 7 x 5 (width x height), "
        f"{tmp_path}/dog/1.png is 8 x 5. Resize them first."
    )


def test_a_folder_without_labels_is_refused(tmp_path):
    (tmp_path / "only").mkdir()
    assert refusal(tmp_path) == f"folder:{tmp_path} must hold one folder a label, at least two; {tmp_path} holds 1."


def test_a_label_without_images_is_refused(tmp_path, rng):
    save(tmp_path / "cat" / "0.png", colored(rng))
    (tmp_path / "dog").mkdir()
    assert refusal(tmp_path) == (
        f"folder:{tmp_path}: there is no image in {tmp_path}/dog. Add some, or remove the folder."
    )


def test_test_labels_that_are_not_trained_are_refused(tmp_path, rng):
    for label in ("train/a", "train/b", "test/a", "test/b", "test/c"):
        save(tmp_path / label / "0.png", colored(rng))
    assert refusal(tmp_path) == f"folder:{tmp_path}: {tmp_path}/test has labels that train has not: c."


def test_a_file_that_is_no_image_is_named(tmp_path, rng):
    save(tmp_path / "a" / "0.png", colored(rng))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "0.png").write_text("no image")
    assert refusal(tmp_path) == (
        f"folder:{tmp_path}: {tmp_path}/b/0.png cannot be read as an image. Remove or replace it."
    )


def test_a_truncated_image_is_named(tmp_path, rng):
    for label in ("a", "b"):
        save(tmp_path / label / "0.png", colored(rng, 64, 64))
    whole = (tmp_path / "b" / "0.png").read_bytes()
    (tmp_path / "b" / "0.png").write_bytes(whole[: len(whole) // 2])

    assert refusal(tmp_path).startswith(f"folder:{tmp_path}: {tmp_path}/b/0.png cannot be read as an image (")


def test_images_of_16_bits_are_refused_rather_than_clipped(tmp_path, rng):
    for label in ("a", "b"):
        save(tmp_path / label / "0.png", rng.integers(0, 60_000, (4, 4), dtype=np.uint16))
    assert refusal(tmp_path) == (
        f"folder:{tmp_path}: {tmp_path}/a/0.png has more than 8 bits a channel (mode I;16). Save it with 8 bits."
    )


def test_a_missing_folder_is_named(tmp_path):
    assert refusal(tmp_path / "none") == f"folder:{tmp_path}/none: there is no folder {tmp_path}/none."
