import json
import shutil
import subprocess
import sys

import pandas as pd

from fm_keras.analysis import load_analysis
from fm_keras.runs import Run


def document(outcome):
    assert outcome.code == 0
    return json.loads(outcome.out)


def test_show_draws_the_layer_table_and_answers_in_words(command, runs_dir):
    outcome = command("show", "small", "--runs-dir", runs_dir)

    lines = outcome.out.splitlines()
    assert lines[0].split() == ["layer", "filters", "accuracy", "clusters", "size", "noise", "SNR", "quality", "dead"]
    assert [line.split()[0] for line in lines[1:5]] == ["conv1", "conv2", "fc1", "fc2"]
    assert "From conv1 to fc2 the noise of a filter" in outcome.out


def test_the_json_of_show_has_the_columns_of_the_tables(command, runs_dir):
    analysis = load_analysis(Run.open("small", runs_dir).path / "analysis")

    layers = document(command("show", "small", "--runs-dir", runs_dir, "--json"))
    filters = document(command("show", "small", "--runs-dir", runs_dir, "--layer", "conv2", "--json"))

    assert list(layers["layers"][0]) == list(analysis.layers())
    assert list(filters["filters"][0]) == list(analysis["conv2"].table)
    assert len(filters["filters"]) == 16


def test_the_matrix_of_a_filter_is_that_of_the_analysis(command, runs_dir):
    filters = load_analysis(Run.open("small", runs_dir).path / "analysis")["conv2"]

    words = ("show", "small", "--runs-dir", runs_dir, "--layer", "conv2", "--filter", 3)
    shown, as_json = command(*words), document(command(*words, "--json"))

    assert shown.out.startswith("conv2, filter 3 of 16: ")
    assert shown.out.count("██") + shown.out.count("▒•") == int(filters.above[3].sum()) + 1  # the legend has one
    assert as_json["fields"] == filters.fields[3].tolist()


def test_a_table_is_sorted_by_any_of_its_columns(command, runs_dir):
    shown = document(command("show", "small", "--runs-dir", runs_dir, "--sort", "units", "--json"))

    assert [row["layer"] for row in shown["layers"]] == ["fc1", "fc2", "conv2", "conv1"]


def test_layers_lists_where_a_run_can_be_cut(command, runs_dir):
    shown = document(command("layers", "small", "--runs-dir", runs_dir, "--json"))

    assert [(row["layer"], row["kind"], row["units"]) for row in shown["layers"]][:2] == [
        ("conv1", "conv", 6),
        ("conv2", "conv", 16),
    ]


def test_a_file_is_analyzed_into_a_folder_that_show_reads(command, runs_dir, tmp_path):
    model = shutil.copy(runs_dir / "small" / "train" / "model.keras", tmp_path / "m.keras")
    limits = ("--limit", "50", "--probe-epochs", "1", "--layers", "conv1,conv2")

    command("analyze", model, "--dataset", "digits", *limits, "--to", tmp_path / "here")

    shown = document(command("show", tmp_path / "here", "--json"))
    assert [row["layer"] for row in shown["layers"]] == ["conv1", "conv2"]


def test_a_file_is_analyzed_into_a_run_of_its_own(command, runs_dir, tmp_path):
    model = shutil.copy(runs_dir / "small" / "train" / "model.keras", tmp_path / "mine.keras")
    words = ("analyze", model, "--dataset", "digits", "--limit", "50", "--probe-epochs", "1", "--layers", "conv1")

    first = command(*words, "--runs-dir", tmp_path / "runs")
    again = command(*words, "--runs-dir", tmp_path / "runs")

    assert Run.open("digits-mine", tmp_path / "runs").record.settings["model"]["name"] == "mine"
    assert first.out == again.out
    assert "measure   as before: 1 layer, 6 filters" in again.err

    at = ("digits-mine", "--runs-dir", tmp_path / "runs")
    assert command("report", *at).code == 0
    assert "<dd>mine</dd>" in (tmp_path / "runs" / "digits-mine" / "report" / "report.html").read_text("utf-8")
    assert "holds no network: one from elsewhere was measured by fm-keras analyze" in command("quality", *at).err


def test_a_module_with_custom_layers_is_found_in_the_current_folder(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layers_of_mine.py").write_text(
        "import keras\n@keras.saving.register_keras_serializable('mine')\nclass Halved(keras.layers.Dense):\n    pass\n"
    )
    make = (
        "import keras; from layers_of_mine import Halved;"
        "keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name='a'), Halved(2)]).save('m.keras')"
    )
    subprocess.run([sys.executable, "-c", make], check=True, capture_output=True)

    refused, read = command("layers", "m.keras"), command("layers", "m.keras", "--import", "layers_of_mine")

    assert (refused.code, read.code) == (1, 0)
    assert refused.err.splitlines()[-1].startswith(
        "Error: m.keras cannot be read: Keras does not know its layer 'Halved'."
    )
    assert read.out.splitlines()[1].split() == ["a", "dense", "3", "-", "12"]


def test_models_and_datasets_are_listed(command):
    models = document(command("models", "--json"))["models"]
    datasets = document(command("datasets", "--json"))["datasets"]

    assert {"vgg16", "avgg16", "lenet5"} <= {row["name"] for row in models}
    assert datasets[0] == {"name": "digits", "images": 1797, "labels": 10, "shape": "8 x 8 x 1", "where": "built in"}


def test_the_doctor_finds_this_machine_ready_and_makes_no_folder(command, tmp_path):
    outcome = command("doctor", "--runs-dir", tmp_path / "new" / "runs", "--json")

    assert document(outcome)["ready"] is True
    assert not (tmp_path / "new").exists()


def test_the_doctor_says_what_to_do_where_runs_cannot_be_written(command, tmp_path):
    (tmp_path / "file").write_text("in the way")

    outcome = command("doctor", "--runs-dir", tmp_path / "file" / "runs")

    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "Not ready: runs."


def test_history_and_filters_of_a_run_are_tables_on_disk(runs_dir):
    history = pd.read_csv(runs_dir / "small" / "train" / "history.csv")

    assert history["epoch"].tolist() == [1, 2, 3]
