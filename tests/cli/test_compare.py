import json
import shutil

import pytest

from fm_keras.analysis import load_analysis
from fm_keras.runs import Run


@pytest.fixture(scope="module")
def two_runs(runs_dir, tmp_path_factory):
    """Runs `small` and `seed`: LeNet-5 on a hundred digits, from two seeds."""
    from fm_keras_cli.main import main

    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(runs_dir / "small", folder / "small")
    settings = ("--model", "lenet5", "--limit", "100", "--epochs", "3", "--probe-epochs", "1", "--seed", "1")
    assert main(["run", *settings, "--name", "seed", "--runs-dir", str(folder), "--quiet", "--json"]) == 0
    return folder


def test_compare_draws_a_table_and_says_what_differs_most(command, two_runs):
    outcome = command("compare", "small", "seed", "--runs-dir", two_runs)

    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[0] == "seed, and its difference to small"
    assert lines[1].split() == ["layer", "filters", "accuracy", "noise", "SNR", "alike", "chance", "same"]
    assert [line.split()[0] for line in lines[2:6]] == ["conv1", "conv2", "fc1", "fc2"]
    assert "seed against small: " in outcome.out
    assert max(map(len, lines)) <= 100


def test_the_json_of_compare_has_the_tables_of_the_library(command, two_runs):
    from fm_keras.reports.compare import compare

    analyses = {name: load_analysis(Run.open(name, two_runs).path / "analysis") for name in ("small", "seed")}
    expected = compare(analyses)

    shown = json.loads(command("compare", "small", "seed", "--runs-dir", two_runs, "--json").out)

    assert shown["runs"] == ["small", "seed"]
    assert [row["similarity"] for row in shown["layers"]] == expected.layers["similarity"].tolist()
    assert [row["partner"] for row in shown["filters"]] == expected.filters["partner"].tolist()


def test_a_layer_shows_its_matched_filters_the_most_alike_first(command, two_runs):
    words = ("compare", "small", "seed", "--runs-dir", two_runs, "--layer", "conv2", "--rows", "5")

    shown = command(*words)
    similarity = [row["similarity"] for row in json.loads(command(*words, "--json").out)["filters"]]

    assert shown.out.splitlines()[0] == "conv2: filters of small and their matches in seed"
    assert len(shown.out.splitlines()) == 9
    assert "11 more filters: --rows 16" in shown.err
    assert similarity == sorted(similarity, reverse=True)
    assert len(similarity) == 16


def test_a_run_compared_with_itself_is_the_same(command, two_runs):
    outcome = command("compare", "small", "small", "--runs-dir", two_runs)

    assert "small (2) against small: no layer differs in any measure." in " ".join(outcome.out.split())


def test_compare_draws_a_picture(command, two_runs, tmp_path):
    pytest.importorskip("matplotlib")

    outcome = command("compare", "small", "seed", "--runs-dir", two_runs, "--plot", tmp_path / "a.png")

    assert outcome.code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_wrong_use_of_compare_is_told_in_a_line(command, two_runs, tmp_path):
    shutil.copytree(two_runs / "small", tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "analysis")
    at = ("--runs-dir", two_runs)

    alone = command("compare", "small", *at)
    unknown = command("compare", "small", "seed", *at, "--layer", "conv9")
    unmeasured = command("compare", "small", tmp_path / "bare", *at)
    strange = command("compare", "small", "seed", *at, "--plot", "a.gif")

    assert (alone.code, unknown.code, unmeasured.code, strange.code) == (2, 1, 1, 2)
    assert "How sure a single one is: fm-keras stability RUN" in alone.err
    assert "The runs have no layer 'conv9' in common. They have: conv1, conv2, fc1, fc2." in unknown.err
    assert "has no stage 'analysis' yet. Make it: fm-keras run --model lenet5" in unmeasured.err
    assert "a.gif must end in .png, .svg or .pdf." in strange.err


def test_the_network_fields_are_compared_when_asked_for(command, runs_dir):
    words = ("compare", "small", "small", "--runs-dir", runs_dir, "--json")

    probe, network = (json.loads(command(*words, *more).out) for more in ((), ("--fields", "network")))

    assert all(row["accuracy"] is None for row in network["layers"])
    assert all(row["accuracy"] is not None for row in probe["layers"])
