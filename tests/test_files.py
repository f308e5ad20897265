"""Files written whole or not at all, and arrays that say what is wrong with them."""

from urllib.parse import unquote

import numpy as np
import pytest

from fm_keras.files import folder_beside, layer_file_name, load_arrays, save_arrays, write_beside


def test_a_file_that_fails_half_way_leaves_the_old_one_and_no_trace(tmp_path):
    file = tmp_path / "model.keras"
    file.write_text("old")

    with pytest.raises(ZeroDivisionError), write_beside(file) as partial:
        partial.write_text("half")
        assert partial.suffix == ".keras"
        raise ZeroDivisionError

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_takes_its_place_as_a_whole(tmp_path):
    folder = tmp_path / "half"
    (folder / "arrays").mkdir(parents=True)

    with folder_beside(folder) as partial:
        (partial / "a.csv").write_text("new")
        assert (folder / "arrays").exists()

    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["half", "half/a.csv"]


def test_a_folder_that_fails_half_way_leaves_the_old_one_and_no_trace(tmp_path):
    folder = tmp_path / "half"
    folder.mkdir()

    with pytest.raises(ZeroDivisionError), folder_beside(folder) as partial:
        (partial / "a.csv").write_text("half")
        raise ZeroDivisionError

    assert list(tmp_path.rglob("*")) == [folder]


def test_leftovers_of_this_folder_go_and_nothing_of_the_user_s(tmp_path):
    for name in (".partial-12-half", ".old-12-half", ".my-very-half", ".partial-12-other-half"):
        (tmp_path / name).mkdir()

    with folder_beside(tmp_path / "half"):
        pass

    assert sorted(path.name for path in tmp_path.iterdir()) == [".my-very-half", ".partial-12-other-half", "half"]


@pytest.mark.parametrize("layer", ["conv5_3", "block/conv", "conv5_3:2", "a b%2Fc", "Faltung ä"])
def test_a_file_name_keeps_the_name_of_its_layer(layer):
    name = layer_file_name(layer)

    assert unquote(name) == layer
    assert "/" not in name


def test_arrays_read_back_as_they_were_written(tmp_path, rng):
    arrays = {"kernel": rng.normal(size=(2, 3, 4)).astype("float32"), "cluster_of": rng.integers(-1, 2, (3, 4))}
    save_arrays(tmp_path / "a.npz", arrays)

    read = load_arrays(tmp_path / "a.npz", ["kernel", "cluster_of"])

    assert list(read) == list(arrays)
    for name in arrays:
        np.testing.assert_array_equal(read[name], arrays[name], strict=True)


def test_a_file_with_other_arrays_says_expected_and_found(tmp_path, message_of):
    file = tmp_path / "a.npz"
    save_arrays(file, {"kernel": np.zeros(2)})

    assert message_of(load_arrays, file, ["fields"]) == f"{file}: expected the arrays fields, found kernel."


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_file_of_arrays_is_one_line(tmp_path, rng, keep, message_of):
    file = tmp_path / "a.npz"
    save_arrays(file, {"kernel": rng.normal(size=1000)})
    content = file.read_bytes()
    file.write_bytes(content[: int(keep if keep > 1 else keep * len(content))])

    assert message_of(load_arrays, file, ["kernel"]).startswith(f"{file} is damaged: expected the arrays kernel, found")


@pytest.mark.parametrize("content", [b"no arrays at all", b"\x93NUMPY"])
def test_what_is_no_npz_file_is_one_line_without_advice_to_unpickle_it(tmp_path, content, message_of):
    file = tmp_path / "a.npz"
    file.write_bytes(content)
    said = f"{file} is damaged: expected the arrays kernel, found no .npz file."
    assert message_of(load_arrays, file, ["kernel"]) == said


def test_pickled_objects_are_not_read(tmp_path, message_of):
    np.savez(tmp_path / "a.npz", kernel=np.array([{}]))

    assert "allow_pickle=False" in message_of(load_arrays, tmp_path / "a.npz", ["kernel"])
