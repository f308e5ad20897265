import json

import pytest

from fm_keras.analysis import load_analysis
from fm_keras.reports.stability import threshold_stability
from fm_keras.runs import Run


def test_stability_draws_a_row_a_layer_and_a_column_a_threshold(command, runs_dir):
    outcome = command("stability", "small", "--runs-dir", runs_dir)

    lines = outcome.out.splitlines()
    assert lines[0].split() == ["SNR", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]
    assert [line.split()[0] for line in lines[1:5]] == ["conv1", "conv2", "fc1", "fc2"]
    assert "compare networks at one threshold only." in " ".join(outcome.out.split())
    assert "--measure noise, n_clusters" in outcome.err


def test_the_json_of_stability_has_the_table_of_the_library(command, runs_dir):
    expected = threshold_stability(load_analysis(Run.open("small", runs_dir).path / "analysis"))

    shown = json.loads(command("stability", "small", "--runs-dir", runs_dir, "--json").out)

    assert shown["threshold"] == 0.3
    assert [row["noise"] for row in shown["layers"]] == expected["noise"].tolist()


def test_one_layer_shows_all_its_measures(command, runs_dir):
    outcome = command("stability", "small", "--runs-dir", runs_dir, "--layer", "conv2")

    assert outcome.out.split()[:7] == ["threshold", "SNR", "noise", "clusters", "size", "signal", "dead"]
    assert [line.split()[0] for line in outcome.out.splitlines()[1:10]] == [f"0.{digit}" for digit in range(1, 10)]


def test_intervals_over_the_images_hold_what_was_measured(command, runs_dir):
    words = ("stability", "small", "--runs-dir", runs_dir, "--images")

    shown, document = command(*words), json.loads(command(*words, "--json").out)

    layers = load_analysis(Run.open("small", runs_dir).path / "analysis").layers()
    assert [row["snr"] for row in document["layers"]] == layers["snr"].tolist()
    assert all(row["noise_low"] <= row["noise"] <= row["noise_high"] for row in document["layers"])
    assert shown.out.split()[:7] == ["layer", "accuracy", "interval", "noise", "interval", "SNR", "interval"]
    assert "For other images fc2 would have accuracy from " in shown.out


def test_stability_draws_a_picture(command, runs_dir, tmp_path):
    pytest.importorskip("matplotlib")

    outcome = command("stability", "small", "--runs-dir", runs_dir, "--plot", tmp_path / "a.svg")

    assert outcome.code == 0
    assert "<svg" in (tmp_path / "a.svg").read_text("utf-8")


def test_a_run_without_a_network_asks_for_the_file_that_was_measured(command, runs_dir, tmp_path):
    model = runs_dir / "small" / "train" / "model.keras"
    limits = ("--limit", "50", "--probe-epochs", "1", "--layers", "conv1")
    at = ("--runs-dir", tmp_path)
    command("analyze", model, "--dataset", "digits", *limits, "--name", "mine", *at)

    refused = command("stability", "mine", "--images", *at)
    given = command("stability", "mine", "--images", "--model", model, *at, "--json")

    assert refused.code == 1
    assert refused.err.splitlines()[-1] == (
        "Error: mine holds no network: it was measured from a file. Give that file: --model FILE"
    )
    assert [row["layer"] for row in json.loads(given.out)["layers"]] == ["conv1"]


def test_a_layer_that_was_not_measured_is_told_in_a_line(command, runs_dir):
    outcome = command("stability", "small", "--runs-dir", runs_dir, "--layer", "conv9")

    assert outcome.code == 1
    assert "small has no layer 'conv9'. It has: conv1, conv2, fc1, fc2." in outcome.err
