"""fm-keras query against the embedded server: what the run measured, in words and as JSON."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fm_keras.analysis import load_analysis
from fm_keras.analysis.answer import answer
from fm_keras_cli.query_tables import response_sentence

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def served(runs_dir, tmp_path_factory):
    """The run `small` exported and hosted: the folder of exports, and the server."""
    pytest.importorskip("tensorflow_serving")
    from fm_keras.serving.server.server import Server
    from fm_keras.settings import ServeSettings
    from fm_keras_cli.main import main

    folder = tmp_path_factory.mktemp("here") / "saved_models"
    words = ["export", "small", "--runs-dir", str(runs_dir), "--to", str(folder), "--quiet", "--no-warmup"]
    assert main(words) == 0
    with Server(folder, ServeSettings(rest_port=0, grpc_port=0)) as server:
        yield folder, server


@pytest.fixture
def ask(command, served, monkeypatch):
    """Run fm-keras query where saved_models/ lies, so that the model need not be named."""
    folder, server = served
    monkeypatch.chdir(folder.parent)

    def run(*words):
        return command("query", *words, "--url", server.rest_url)

    return run


@pytest.fixture
def picture(tmp_path, rng):
    def write(width, height):
        path = tmp_path / f"{width}x{height}.png"
        Image.fromarray(rng.integers(0, 256, (height, width)).astype(np.uint8)).save(path)
        return path

    return write


@pytest.fixture(scope="module")
def analysis(runs_dir):
    return load_analysis(runs_dir / "small" / "analysis")


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_status_names_the_version(ask, served):
    outcome = ask("status")

    assert outcome.out == f"small at {served[1].rest_url}\n  version 1  AVAILABLE\n"
    assert document(ask("status", "--json"))["versions"] == [{"version": 1, "state": "AVAILABLE", "message": ""}]


def test_quality_is_what_show_says_of_the_filter(ask, command, runs_dir, analysis):
    shown = command("show", "small", "--runs-dir", runs_dir, "--layer", "conv2", "--filter", 3)

    outcome = ask("quality", "conv2", 3)

    said = " ".join(outcome.out.split())
    assert said.startswith(" ".join(shown.out.split(" input")[0].split()))
    found = document(ask("quality", "conv2", 3, "--json"))
    row = analysis["conv2"].table.loc[3]
    assert {name: found[name] for name in ("filter", "n_clusters", "signal", "external_noise")} == {
        "filter": 3,
        "n_clusters": row["n_clusters"],
        "signal": row["signal"],
        "external_noise": row["external_noise"],
    }


def test_field_draws_the_same_matrix_as_show(ask, command, runs_dir, analysis):
    shown = command("show", "small", "--runs-dir", runs_dir, "--layer", "conv1", "--filter", 2)

    outcome = ask("field", "conv1", 2)

    matrix = outcome.out[outcome.out.index(" input") :]
    assert matrix == shown.out[shown.out.index(" input") :]
    assert document(ask("field", "conv1", 2, "--json"))["fields"] == pytest.approx(
        analysis["conv1"].fields[2], abs=1e-5
    )


def test_layers_are_those_of_the_table(ask, analysis):
    found = pd.DataFrame(document(ask("layers", "--json"))["layers"]).set_index("layer")

    table = analysis.layers().set_index("layer")
    names = ["units", "accuracy", "n_clusters", "cluster_size", "signal", "noise", "dead", "label_cv"]
    np.testing.assert_allclose(found[names], table[names], rtol=1e-5)
    assert found["positions"].tolist() == table["positions"].tolist()
    out = ask("layers").out
    assert out.splitlines()[1].split()[:2] == ["conv1", "6"]
    assert " ".join(out.split()).endswith(answer(analysis.layers()))


def test_a_layer_lists_its_filters_best_first(ask, analysis):
    found = document(ask("layer", "conv2", "--json"))
    outcome = ask("layer", "conv2", "--rows", 3)

    filters = pd.DataFrame(found["filters"])
    assert sorted(filters["filter"]) == list(range(16))
    finite = filters[~filters["dead"]]["snr"].fillna(np.inf)
    assert finite.is_monotonic_decreasing
    assert [line.split()[0] for line in outcome.out.splitlines()[1:4]] == [str(n) for n in filters["filter"][:3]]
    assert f"probe accuracy {analysis['conv2'].accuracy:.3f}." in outcome.out
    assert outcome.err == "13 more filters: --rows 16\n"


def test_top_takes_labels_by_name(ask, analysis):
    found = document(ask("top", "conv2", "7", "--count", 3, "--json"))

    own = analysis["conv2"].fields[:, 7, 7]
    assert [each["filter"] for each in found["filters"]] == np.argsort(-own, kind="stable")[:3].tolist()
    outcome = ask("top", "conv2", "7", "--count", 3)
    assert outcome.out.splitlines()[-1].startswith("3 filters of 16 hold ")


def test_predict_names_the_likeliest_label_of_each_file(ask, picture):
    first, second = picture(8, 8), picture(20, 12)

    found = document(ask("predict", first, second, "--json"))["images"]
    lines = ask("predict", first, second).out.splitlines()

    for row, line, path in zip(found, lines[1:], (first, second), strict=True):
        shares = row["probabilities"]
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(shares, key=shares.get)
        assert line.split()[:3] == [path.name, row["label"], f"{shares[row['label']]:.3f}"]


def test_response_tells_what_a_filter_does_to_each_output(ask, picture, analysis):
    found = document(ask("response", picture(50, 40), "conv2", 3, "--json"))

    assert len(found["field"]) == len(analysis.label_names)
    table, said = ask("response", picture(50, 40), "conv2", 3).out.split("\n\n")
    assert [line.split()[0] for line in table.splitlines()[1:]] == [
        found["label_names"][label] for label in np.argsort(-np.array(found["field"]), kind="stable")
    ]
    assert said.startswith(f"conv2, filter 3 speaks most for {found['label_names'][np.argmax(found['field'])]}, by ")


def test_a_filter_that_puts_nothing_on_any_output_says_nothing():
    assert response_sentence(np.zeros(2), ["cat", "dog"]) == "says nothing about this image."
    assert response_sentence(np.array([-0.5, 1.25]), ["cat", "dog"]) == (
        "speaks most for dog, by 1.25 logits, and least for cat, by -0.500."
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["quality", "conv9", 0], "Error: small has no layer 'conv9'. It has: conv1, conv2, fc1, fc2."),
        (["field", "conv1", 6], "Error: conv1 has filters 0 to 5; there is no 6."),
        (["top", "conv1", "cat"], "Error: small has no label 'cat'. It has: 0, 1, 2, 3, … 9."),
    ],
)
def test_what_is_not_there_is_one_line(ask, words, said):
    outcome = ask(*words)
    assert (outcome.code, outcome.err) == (1, f"{said}\n")


def test_a_file_that_is_no_image_is_one_line(ask, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hello")

    outcome = ask("response", file, "conv1", 0)

    said = f"Error: {file} is no image that Pillow can read. Save it as PNG or JPEG.\n"
    assert (outcome.code, outcome.err) == (1, said)
    refused = ask("predict", file)
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert " refuses this (HTTP 400): " in refused.err


def test_without_a_server_the_url_is_named_with_what_would_do(command):
    outcome = command("query", "status", "--model", "small", "--url", "http://127.0.0.1:9")

    assert outcome.code == 1
    assert outcome.err == (
        "Error: No model server answers at http://127.0.0.1:9: Connection refused. "
        "Start one (fm-keras serve), or name the URL of another.\n"
    )


@pytest.mark.parametrize(("models", "held"), [((), "none"), (("b", "a"), "a, b")])
def test_the_model_must_be_named_unless_there_is_one_export(command, tmp_path, monkeypatch, models, held):
    for name in models:
        (tmp_path / "saved_models" / name / "1").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    outcome = command("query", "status")

    assert outcome.code == 2
    assert f"Say which model: --model NAME. In saved_models/ there is {held}." in outcome.err


def test_it_imports_neither_keras_nor_tensorflow():
    program = (
        "from fm_keras_cli.main import main; import sys; "
        "main(['query', 'quality', 'conv1', '0', '--model', 'm', '--url', 'http://127.0.0.1:9']); "
        "print({'keras', 'tensorflow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n"
