import numpy as np
import pytest

from fm_keras.data import load_dataset
from fm_keras.errors import DataNotFound, InvalidInput


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (20, 5, 4), dtype=np.uint8)


LABELS = np.arange(20) % 2


def test_saved_splits_are_loaded_as_they_were_with_a_channel_axis_for_grey_images(tmp_path, images):
    path = tmp_path / "mine.npz"
    arrays = {"x_train": images[:12], "y_train": LABELS[:12], "x_test": images[12:], "y_test": LABELS[12:]}
    np.savez(path, **arrays, label_names=["cat", "dog"])

    dataset = load_dataset(f"npz:{path}")

    assert np.array_equal(dataset.train.images, images[:12, ..., None])
    assert np.array_equal(dataset.test.images, images[12:, ..., None])
    assert np.array_equal(dataset.test.labels, LABELS[12:])
    assert dataset.label_names == ("cat", "dog")
    assert dataset.name == f"npz:{path}"


def test_a_path_that_ends_in_npz_says_enough(tmp_path, images):
    np.savez(tmp_path / "MINE.NPZ.npz", images=images, labels=LABELS)

    dataset = load_dataset(str(tmp_path / "MINE.NPZ.npz"))

    assert len(dataset.train) + len(dataset.test) == 20
    with pytest.raises(DataNotFound, match=r"other\.npz"):
        load_dataset(str(tmp_path / "other.npz"))


def test_images_without_a_split_have_a_stratified_fifth_held_out(tmp_path, rng):
    path, colored = tmp_path / "mine.npz", rng.random((20, 5, 4, 3), np.float32)
    np.savez_compressed(path, images=colored, labels=LABELS)

    dataset = load_dataset(f"npz:{path}")

    assert dataset.image_shape == (5, 4, 3)
    assert np.bincount(dataset.test.labels).tolist() == [2, 2]
    assert {image.tobytes() for image in dataset.test.images} <= {image.tobytes() for image in colored}


def test_missing_arrays_are_named_with_what_is_there(tmp_path, images):
    path = tmp_path / "mine.npz"
    np.savez(path, x=images, y=LABELS)

    with pytest.raises(InvalidInput) as error:
        load_dataset(f"npz:{path}")
    assert str(error.value) == (
        f"npz:{path} must hold x_train, y_train, x_test, y_test, or images and labels; it holds x, y."
    )


def test_arrays_that_do_not_fit_are_refused_with_the_name_of_the_set(tmp_path, images):
    path = tmp_path / "mine.npz"
    np.savez(path, images=images, labels=LABELS[:5])

    with pytest.raises(InvalidInput) as error:
        load_dataset(f"npz:{path}")
    assert str(error.value) == f"npz:{path}: There are 5 labels but 20 images."


def write_text(path):
    path.write_text("no arrays")


def write_single_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros((4, 3, 3)))


def write_objects(path):
    np.savez(path, images=np.array([{}, []], dtype=object), labels=[0, 1])


def write_half(path):
    np.savez(path, images=np.zeros((100, 4, 4)), labels=np.arange(100) % 2)
    path.write_bytes(path.read_bytes()[:3000])


def write_damaged(path):
    np.savez_compressed(path, images=np.arange(8000).reshape(500, 4, 4), labels=np.arange(500) % 2)
    content = bytearray(path.read_bytes())
    content[200:600] = bytes(400)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (write_text, "it is damaged or no .npz file"),
        (write_single_array, "it is damaged or no .npz file"),
        (write_half, "it is damaged or no .npz file"),
        (write_damaged, "it is damaged or no .npz file"),
        (write_objects, "it holds Python objects"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path, write, reason):
    path = tmp_path / "mine.npz"
    write(path)

    with pytest.raises(InvalidInput) as error:
        load_dataset(f"npz:{path}")
    assert str(error.value) == f"npz:{path} cannot be read: {reason}. Write it with np.savez from arrays of numbers."


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataNotFound) as error:
        load_dataset(f"npz:{tmp_path}/none.npz")
    assert str(error.value) == f"npz:{tmp_path}/none.npz: there is no file {tmp_path}/none.npz."
