"""fm-keras quality: the tables of the library, in words and as JSON, for a run and for a file."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import load_analysis
from fm_keras.pruning import ScoreCheck
from fm_keras_cli.quality_tables import check_answer, quality_answer

QUALITY = ["quality", "quality_low", "quality_high"]


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_the_json_of_quality_is_what_the_run_measured(command, runs_dir):
    found = document(command("quality", "small", "--runs-dir", runs_dir, "--json"))
    saved = load_analysis(runs_dir / "small" / "analysis").network

    assert (found["images"], found["outputs"]) == (100, 10)
    assert found["loss"] == pytest.approx(saved.loss, rel=1e-4)
    assert [row["layer"] for row in found["layers"]] == ["conv1", "conv2", "fc1", "fc2"]
    filters, expected = pd.DataFrame(found["filters"]), saved.filters()
    assert list(filters) == list(expected)
    np.testing.assert_allclose(filters[QUALITY], expected[QUALITY], rtol=1e-3, atol=1e-5)


def test_layers_and_their_best_and_worst_filters_are_listed(command, runs_dir):
    words = ("quality", "small", "--runs-dir", runs_dir, "--layers", "conv1,conv2", "--rows", 2)
    order = pd.DataFrame(document(command(*words, "--json"))["filters"])
    order = order[order["layer"] == "conv2"].sort_values("quality", ascending=False, kind="stable")

    outcome = command(*words)

    heads, conv1, conv2 = outcome.out.splitlines()[:3]
    assert heads.split() == ["layer", "filters", "quality", "below", "zero", "around", "zero", "SNR"]
    assert (conv1.split()[:2], conv2.split()[:2]) == (["conv1", "6"], ["conv2", "16"])
    lines = outcome.out.splitlines()
    first = next(place for place, line in enumerate(lines) if place > 2 and line.split()[:1] == ["conv2"])
    listed = [lines[first].split()[1], *(line.split()[0] for line in lines[first + 1 : first + 5])]
    ordered = [str(number) for number in order["filter"]]
    assert listed == [*ordered[:2], "…", *ordered[-2:]]
    assert f"{order['quality'].iloc[0]:.4f} (" in lines[first]
    assert "on 100 test images" in outcome.out
    assert "--check silences filters for real" in outcome.err


def test_check_silences_filters_and_compares_every_score(command, runs_dir):
    words = ("quality", "small", "--runs-dir", runs_dir, "--layers", "conv1,fc2", "--units", 4, "--images", 60)

    found = document(command(*words, "--check", "--json"))

    assert found["images"] == 50  # half of the hundred that there are
    assert [(row["layer"], row["filter"]) for row in found["costs"]][:1] == [("conv1", found["costs"][0]["filter"])]
    assert len(found["costs"]) == 8
    scores = [row["score"] for row in found["correlations"] if row["layer"] == "fc2"]
    assert scores[:2] == ["ceiling", "quality"] and {"kernel_l1", "snr", "probe_ablation"} < set(scores)
    rules = {row["rule"] for row in found["halves"] if row["layer"] == "conv1"}
    assert rules >= {"greedy", "greedy, no labels", "random", "whole network", "quality"}


def test_check_draws_a_table_for_every_layer(command, runs_dir):
    outcome = command("quality", "small", "--runs-dir", runs_dir, "--layers", "conv1", "--check", "--no-halves")

    lines = outcome.out.splitlines()
    assert lines[0].split() == ["conv1", "Spearman", "95%", "interval"]
    assert any(line.startswith(" ceiling: the truth on other images ") for line in lines)
    assert any(line.startswith(" quality ") for line in lines)
    assert "from 50 images" in outcome.out


def test_a_file_is_measured_on_the_images_that_are_named(command, runs_dir, tmp_path):
    model = shutil.copy(runs_dir / "small" / "train" / "model.keras", tmp_path / "mine.keras")
    found = document(
        command("quality", model, "--dataset", "digits", "--limit", 100, "--images", 30, "--layers", "conv2", "--json")
    )
    assert found["images"] == 30
    assert {row["layer"] for row in found["filters"]} == {"conv2"}


def test_a_plan_says_passes_and_memory_and_measures_nothing(command, runs_dir):
    outcome = command("quality", "small", "--runs-dir", runs_dir, "--plan")

    assert outcome.code == 0
    assert outcome.out.splitlines()[1].startswith(" network  11 passes over 100 images, 4 layers ")
    assert outcome.out.splitlines()[-1].endswith("Nothing has been done; leave --plan out to do it.")


def test_little_memory_leaves_out_clusters_and_says_so(command, runs_dir):
    words = ("quality", "small", "--runs-dir", runs_dir, "--layers", "conv2", "--memory-limit", "1e-6")

    outcome = command(*words)

    assert outcome.code == 0
    assert "Clusters are left out: fields of so many labels would take " in outcome.err
    planned = command(*words, "--plan", "--check")
    assert planned.code == 0 and "Clusters are left out" in planned.err
    assert "Silencing filters for real (--check) comes on top" in planned.err
    assert "speaks for" not in outcome.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("quality", "mine.keras"), "Say on which images MODEL is measured: --dataset."),
        (("quality", "small", "--units", "3"), "--units says how many filters are silenced for real: add --check."),
    ],
)
def test_options_that_do_not_fit_are_named(words, said, command):
    outcome = command(*words)
    assert outcome.code == 2
    assert said in outcome.err


def test_an_unknown_layer_is_one_line(command, runs_dir):
    outcome = command("quality", "small", "--runs-dir", runs_dir, "--layers", "conv9")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: Model 'lenet5' has no layer 'conv9'. It can be cut at: ")


def test_analyze_measures_network_fields_without_a_probe(command, runs_dir, tmp_path):
    words = ("analyze", "small", "--runs-dir", runs_dir, "--layers", "conv2", "--fields", "network")

    outcome = command(*words, "--to", tmp_path / "here")

    assert outcome.code == 0
    analysis = load_analysis(tmp_path / "here")
    assert (analysis.probe, analysis.network, analysis.settings.fields) == (None, None, "network")
    saved = load_analysis(runs_dir / "small" / "analysis").network["conv2"]
    np.testing.assert_allclose(analysis["conv2"].fields, saved.fields, rtol=1e-3, atol=1e-5)
    assert "probe" not in outcome.err


class TestWords:
    def test_what_costs_nothing_that_is_sure_is_counted(self):
        filters = pd.DataFrame({"quality_low": [-0.1, 0, 0.1, 0.2]})
        layers = pd.DataFrame({"layer": ["conv", "fc"], "quality": [0.25, 0.125]})
        said = quality_answer(filters, layers)
        assert said.startswith("2 of 4 filters could be lost, one at a time, at no cost that can be told from zero; ")
        assert "filters of conv cost most, 0.250 nats in sum." in said

    def test_a_network_whose_filters_are_worth_nothing_has_no_layer_that_costs_most(self):
        filters = pd.DataFrame({"quality_low": [-0.1, 0.0]})
        layers = pd.DataFrame({"layer": ["conv"], "quality": [0.0]})
        said = "None of 2 filters costs anything, one at a time, that can be told from zero."
        assert quality_answer(filters, layers) == said

    def test_quality_stands_beside_the_ceiling_and_the_best_rule_is_named(self):
        rows = [("conv", "ceiling", 0.9), ("conv", "quality", 0.8), ("conv", "kernel_l1", 0.2)]
        rows += [("fc", "ceiling", 0.7), ("fc", "quality", 0.4), ("fc", "kernel_l1", 0.6)]
        correlations = pd.DataFrame(rows, columns=["layer", "score", "spearman"]).assign(low=0, high=1)
        left = {"greedy": (0.5, 0.6), "quality": (0.4, 0.5), "whole network": (0.9, 0.9)}
        halves = pd.DataFrame(
            [(layer, rule, each) for rule, both in left.items() for layer, each in zip(("conv", "fc"), both)],
            columns=["layer", "rule", "accuracy"],
        )

        said = check_answer(ScoreCheck(pd.DataFrame(), correlations, halves, 50))

        assert "with the rise of the loss on 50 others" in said
        assert "Quality reaches 0.60 (median over layers) where the ceiling is 0.80." in said
        assert "It is the best score in 1 of 2 layers" in said
        assert said.endswith("the greedy choice leaves most in 2 layers, ties included.")
