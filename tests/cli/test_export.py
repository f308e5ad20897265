import json

import keras
import pytest

from fm_keras.models import read_model
from fm_keras.runs import Run
from fm_keras_cli.export import default_name

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow_serving")


@pytest.fixture(autouse=True)
def needs_tensorflow():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a SavedModel is written by the TensorFlow backend")


def test_export_ends_with_what_came_out_where_it_lies_and_commands_that_ask_it(command, runs_dir, tmp_path):
    folder = tmp_path / "served"

    outcome = command("export", "small", "--runs-dir", runs_dir, "--to", folder)

    assert outcome.code == 0
    said = outcome.out.replace("\n", " ")
    assert said.startswith("small, version 1: 4 layers, 226 filters, 10 labels. All 10 signatures answer as Python")
    shown = outcome.err.replace("\n", "")
    assert f"Saved in {folder}/small/1" in shown
    assert f"fm-keras serve {folder}" in shown and "fm-keras query quality" in shown
    assert f"-v {folder}:/models tensorflow/serving" in shown
    body = shown.split("curl -d '")[1].split("'")[0]
    assert json.loads(body) == {
        "signature_name": "filter_quality",
        "instances": [{"layer_index": 3, "filter_index": 0}],
    }
    assert (folder / "small" / "1" / "saved_model.pb").is_file()


def test_a_file_is_exported_with_the_analysis_of_a_run_under_a_name_of_ones_own(command, runs_dir, tmp_path):
    run = Run.open("small", runs_dir)
    read_model(run.read_stage("train").model).save(tmp_path / "mine.keras")
    words = ["export", tmp_path / "mine.keras", "--analysis", "small", "--runs-dir", runs_dir]

    outcome = command(*words, "--to", tmp_path / "served", "--name", "own", "--no-warmup", "--json")

    said = json.loads(outcome.out)
    assert (said["name"], said["version"], said["path"]) == ("own", 1, str(tmp_path / "served" / "own" / "1"))
    assert [layer["units"] for layer in said["layers"]] == [6, 16, 120, 84]
    assert said["signatures"]["classify"]["inputs"] == {"inputs": "string [N]"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "There is no run 'nothing'."),
        (["small", "--name", "a/b"], "A served model cannot be called 'a/b'"),
    ],
)
def test_what_cannot_be_exported_is_one_line(command, runs_dir, tmp_path, words, said):
    outcome = command("export", *words, "--runs-dir", runs_dir, "--to", tmp_path)

    assert outcome.code == 1
    assert said in outcome.err and outcome.err.strip().count("\n") == 0


@pytest.mark.parametrize(("file", "name"), [("mine.keras", "mine"), ("half/model.keras", "half")])
def test_a_file_is_served_under_its_name_or_that_of_its_folder_where_all_are_called_the_same(tmp_path, file, name):
    assert default_name(tmp_path / file) == name


def test_a_file_without_an_analysis_says_how_to_make_one(command, runs_dir, tmp_path):
    model = Run.open("small", runs_dir).read_stage("train").model

    outcome = command("export", model, "--to", tmp_path)

    assert outcome.code == 1
    assert "--analysis RUN" in outcome.err and "fm-keras analyze" in outcome.err
