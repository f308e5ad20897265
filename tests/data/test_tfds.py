"""tensorflow-datasets without network: sets prepared in a temporary folder, and sets that generate themselves."""

import sys
from contextlib import closing
from pathlib import Path
from socket import socket
from types import MappingProxyType

import numpy as np
import pytest

from fm_keras.data import load_dataset
from fm_keras.errors import DataNotFound, InvalidInput

pytestmark = pytest.mark.tensorflow
tfds = pytest.importorskip("tensorflow_datasets")


class FmKerasTiny(tfds.core.GeneratorBasedBuilder):
    """Grey images of pixels 0..255 that need no download."""

    VERSION = tfds.core.Version("1.0.0")
    url_infos = MappingProxyType({})
    shape, sizes, splits = (4, 4, 1), [(4, 4)], (("train", 20), ("validation", 6))

    def _info(self):
        image = tfds.features.Image(shape=self.shape)
        label = tfds.features.ClassLabel(names=["no", "yes"])
        features = tfds.features.FeaturesDict({"image": image, "label": label})
        return self.dataset_info_from_configs(features=features, supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(count) for split, count in self.splits}

    def _generate_examples(self, count):
        for number in range(count):
            height, width = self.sizes[number % len(self.sizes)]
            yield number, {"image": np.full((height, width, 1), number, np.uint8), "label": number % 2}


class FmKerasUnsplit(FmKerasTiny):
    VERSION = tfds.core.Version("1.0.0")
    splits = (("train", 20),)


class FmKerasUntrained(FmKerasTiny):
    VERSION = tfds.core.Version("1.0.0")
    splits = (("test", 6),)


class FmKerasSameSize(FmKerasTiny):
    VERSION = tfds.core.Version("1.0.0")
    shape = (None, None, 1)


class FmKerasManySizes(FmKerasTiny):
    VERSION = tfds.core.Version("1.0.0")
    shape, sizes = (None, None, 1), [(4, 4), (4, 6), (3, 3), (2, 2)]


class FmKerasByHand(FmKerasTiny):
    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Register, then copy the files."


class FmKerasRemote(FmKerasTiny):
    """Its archive lies on a port of this machine at which nobody listens."""

    VERSION = tfds.core.Version("1.0.0")
    with closing(socket()) as _free:
        _free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{_free.getsockname()[1]}"
    archive = tfds.download.checksums.UrlInfo(size=10, checksum="", filename="a.zip")
    url_infos = MappingProxyType({f"http://{host}/a.zip": archive})


class FmKerasFailing(FmKerasTiny):
    VERSION = tfds.core.Version("1.0.0")

    def _split_generators(self, dl_manager):
        raise tfds.download.DownloadError("Failed to get url http://host/a.zip. HTTP code: 404.")


@pytest.fixture
def mnist(tmp_path, rng):
    """Folder with 40 prepared images of MNIST, half of them for testing, and those images."""
    builder = tfds.builder("mnist", data_dir=tmp_path)
    Path(builder.data_dir).mkdir(parents=True)
    images = rng.integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
    writer = tfds.core.SequentialWriter(builder.info, max_examples_per_shard=100)
    for split, part in (("train", slice(0, 20)), ("test", slice(20, 40))):
        writer.initialize_splits([split])
        examples = [{"image": image, "label": number % 10} for number, image in enumerate(images[part])]
        writer.add_examples({split: examples})
    writer.close_all()
    return tmp_path, images


def refusal(error_class, name, folder):
    with pytest.raises(error_class) as error:
        load_dataset(name, folder)
    return str(error.value)


def remedy(name, folder):
    return (
        "If you have it prepared elsewhere, give its folder as --data-dir or TFDS_DATA_DIR; "
        f"to prepare it: tfds build {name} --data_dir {folder}. Without a download: digits, folder:PATH, npz:PATH."
    )


def test_a_prepared_set_is_read_as_it_was_written(mnist):
    folder, images = mnist

    dataset = load_dataset("mnist", folder)

    assert np.array_equal(dataset.train.images, images[:20])
    assert np.array_equal(dataset.test.images, images[20:])
    assert dataset.train.labels.tolist() == list(range(10)) * 2
    assert dataset.label_names == tuple("0123456789")
    assert dataset.name == "mnist"


def test_a_prepared_set_is_found_through_the_environment(mnist, monkeypatch):
    folder, _ = mnist
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))

    assert load_dataset("mnist", labels=[4, 2], limit=4).description == "mnist: 8 images, 28 x 28 x 1, 2 labels"


def test_reading_is_reported_and_says_nothing_by_itself(mnist, capfd):
    steps = []

    load_dataset("mnist", mnist[0], progress=steps.append)

    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("reading mnist train", 20, 20),
        ("reading mnist test", 20, 20),
    ]
    assert capfd.readouterr().out == ""


def test_a_damaged_prepared_set_is_refused_with_its_folder(mnist):
    folder, _ = mnist
    (file,) = folder.glob("mnist/*/mnist-train.tfrecord*")
    file.write_bytes(file.read_bytes()[:-100])

    message = refusal(InvalidInput, "mnist", folder)

    assert message.startswith(f"mnist: the files in {file.parent} cannot be read (")
    assert message.endswith("). Remove that folder and prepare it again.")
    assert "\n" not in message


def test_a_set_that_is_not_prepared_is_prepared_once_with_progress(tmp_path, capfd):
    first, second = [], []

    dataset = load_dataset("fm_keras_tiny", tmp_path, progress=first.append)
    load_dataset("fm_keras_tiny", tmp_path, progress=second.append)

    assert sorted(dataset.train.images[:, 0, 0, 0]) == list(range(20))
    assert np.array_equal(dataset.train.labels, dataset.train.images[:, 0, 0, 0] % 2)
    assert first[0].stage == "downloading fm_keras_tiny"
    assert {step.stage for step in second} == {"reading fm_keras_tiny train", "reading fm_keras_tiny validation"}
    assert capfd.readouterr().out == ""


def test_without_a_test_split_validation_tests_and_without_both_a_fifth_is_held_out(tmp_path):
    validated = load_dataset("fm_keras_tiny", tmp_path)
    unsplit = load_dataset("fm_keras_unsplit", tmp_path)

    assert (len(validated.train), len(validated.test)) == (20, 6)
    assert np.bincount(unsplit.train.labels).tolist() == [8, 8]
    assert np.bincount(unsplit.test.labels).tolist() == [2, 2]


def test_images_of_one_size_load_though_the_set_does_not_promise_it(tmp_path):
    assert load_dataset("fm_keras_same_size", tmp_path).image_shape == (4, 4, 1)


def test_images_of_unequal_size_are_refused_with_the_sizes_seen(tmp_path):
    message = refusal(InvalidInput, "fm_keras_many_sizes", tmp_path)

    assert message.startswith("fm_keras_many_sizes: all images must have one size, but they are ")
    assert message.endswith(", ... (height x width x channels). Save them resized as folder:PATH or npz:PATH.")
    sizes = message.partition("they are ")[2].partition(", ...")[0].split(", ")
    assert len(sizes) == 3
    assert set(sizes) <= {"4 x 4 x 1", "4 x 6 x 1", "3 x 3 x 1", "2 x 2 x 1"}


def test_a_set_without_a_train_split_is_refused(tmp_path):
    assert refusal(InvalidInput, "fm_keras_untrained", tmp_path) == (
        "fm_keras_untrained has no split 'train' to learn from. It has: test."
    )


def test_a_host_that_does_not_answer_is_named_at_once_with_what_would_do(tmp_path):
    assert refusal(DataNotFound, "fm_keras_remote", tmp_path) == (
        f"fm_keras_remote is not in {tmp_path}, and cannot be downloaded: {FmKerasRemote.host} does not answer. "
        + remedy("fm_keras_remote", tmp_path)
    )


def test_a_download_that_fails_is_one_line_with_what_would_do(tmp_path):
    assert refusal(DataNotFound, "fm_keras_failing", tmp_path) == (
        f"fm_keras_failing is not in {tmp_path}, and preparing it there failed: Failed to get url http://host/a.zip. "
        f"HTTP code: 404. {remedy('fm_keras_failing', tmp_path)}"
    )


def test_a_set_that_is_fetched_by_hand_says_where(tmp_path):
    assert refusal(DataNotFound, "fm_keras_by_hand", tmp_path) == (
        f"fm_keras_by_hand is not in {tmp_path}, and its files must be fetched by hand, see "
        f"https://www.tensorflow.org/datasets/catalog/fm_keras_by_hand. {remedy('fm_keras_by_hand', tmp_path)}"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "cifra10",
            "There is no data set 'cifra10'. Did you mean cifar10 or cifar100 or cifar10_n? "
            "Besides there are digits, folder:PATH and npz:PATH.",
        ),
        (
            "digit",
            "There is no data set 'digit'. Did you mean digits? Besides there are digits, folder:PATH and npz:PATH.",
        ),
        (
            "npy:x.npy",
            "There is no data set 'npy:x.npy'. `fm-keras datasets` lists names. "
            "Besides there are digits, folder:PATH and npz:PATH.",
        ),
        ("iris", "'iris' is no image classification: it has features, label."),
        (
            "emnist/foo",
            "tensorflow-datasets has no 'emnist/foo': BuilderConfig foo not found with version 3.1.0. "
            "emnist has byclass, bymerge, balanced, letters, digits, mnist.",
        ),
    ],
)
def test_a_name_that_cannot_be_loaded_is_refused_in_one_line(tmp_path, name, message):
    assert refusal(InvalidInput, name, tmp_path) == message


def test_a_folder_named_as_if_it_were_a_set_is_told_its_name(tmp_path):
    (tmp_path / "photos").mkdir()
    said = refusal(InvalidInput, str(tmp_path / "photos"), tmp_path)
    assert f"For the folder of that name say folder:{tmp_path / 'photos'}." in said


@pytest.mark.parametrize("module", ["tensorflow", "tensorflow_datasets"])
def test_without_tensorflow_one_line_says_which_names_work(tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)  # then it is neither found nor imported

    with pytest.raises(InvalidInput) as error:
        load_dataset("cifar10", tmp_path)
    assert str(error.value) == (
        f"'cifar10' is looked up in tensorflow-datasets, which needs {module}: not installed here. "
        "Without it there are digits, folder:PATH and npz:PATH."
    )
