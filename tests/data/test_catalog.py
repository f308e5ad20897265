import json

import pytest

from fm_keras.data import describe_sources, flips


def prepare(folder, *, image=True, shards=(("train", [3, 4]), ("test", [2])), shape=("8", "9", "3")):
    """The two files that say what a prepared set holds, as tensorflow-datasets writes them."""
    folder.mkdir(parents=True)
    splits = [{"name": name, "shardLengths": [str(count) for count in counts]} for name, counts in shards]
    (folder / "dataset_info.json").write_text(json.dumps({"splits": splits}))
    features = {"label": {"classLabel": {"numClasses": "5"}}}
    if image:
        features["image"] = {"image": {"shape": {"dimensions": list(shape)}}}
    (folder / "features.json").write_text(json.dumps({"featuresDict": {"features": features}}))


def row(table, name):
    (found,) = table[table.name == name].to_dict("records")
    return found


def test_the_digits_come_first_and_need_nothing(tmp_path):
    table = describe_sources(tmp_path)

    assert list(table.columns) == ["name", "images", "labels", "shape", "where"]
    assert list(table.iloc[0]) == ["digits", 1797, 10, "8 x 8 x 1", "built in"]


def test_what_is_not_prepared_says_how_much_is_downloaded(tmp_path):
    table = describe_sources(tmp_path / "none")

    assert row(table, "cifar10") == {
        "name": "cifar10",
        "images": 60_000,
        "labels": 10,
        "shape": "32 x 32 x 3",
        "where": "download, 170 MB",
    }
    assert table["where"][1:].str.fullmatch(r"download, [\d,]+ MB").all()


def test_prepared_sets_are_found_with_and_without_a_configuration(tmp_path):
    prepare(tmp_path / "birds" / "1.0.0")
    prepare(tmp_path / "emnist" / "balanced" / "3.1.0", shards=(("train", [6]), ("validation", [2])))
    prepare(tmp_path / "untested" / "1.0.0", shards=(("train", [6]), ("extra", [9])), shape=("-1", "-1", "3"))

    table = describe_sources(tmp_path)

    where = f"prepared in {tmp_path}"
    assert list(row(table, "birds").values()) == ["birds", 9, 5, "8 x 9 x 3", where]
    assert row(table, "emnist/balanced")["images"] == 8
    assert row(table, "emnist/balanced")["where"] == where
    assert list(row(table, "untested").values()) == ["untested", 6, 5, "? x ? x 3", where]


def test_prepared_sets_without_images_and_damaged_ones_are_left_out(tmp_path):
    prepare(tmp_path / "texts" / "1.0.0", image=False)
    prepare(tmp_path / "damaged" / "1.0.0")
    (tmp_path / "damaged" / "1.0.0" / "dataset_info.json").write_text("{")

    assert set(describe_sources(tmp_path).name).isdisjoint({"texts", "damaged"})


def test_the_folder_is_that_of_the_environment_unless_given(tmp_path, monkeypatch):
    prepare(tmp_path / "birds" / "1.0.0")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    assert "birds" in set(describe_sources().name)
    assert "birds" not in set(describe_sources(tmp_path / "other").name)


@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist", "stl10", "folder:/digits/cats", "npz:pets.npz", "arrays"])
def test_pictures_keep_their_label_in_a_mirror(name):
    assert flips(name)


@pytest.mark.parametrize(
    "name",
    ["digits", "mnist", "kmnist", "emnist/balanced", "svhn_cropped", "folder:/data/MNIST_png/", "npz:x/mnist.npz"],
)
def test_handwriting_and_numbers_do_not(name):
    assert not flips(name)
