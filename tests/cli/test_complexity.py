import json

import pandas as pd
import pytest

from fm_keras.settings import ComplexitySettings
from fm_keras_cli.complexity_tables import complexity_answer, measured_on


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_every_layer_of_a_run_has_a_row_and_the_end_says_what_came_out(command, runs_dir):
    outcome = command("complexity", "small", "--runs-dir", runs_dir)

    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["layer", "n1", "95%", "interval", "n2", "n3"]
    assert [line.split()[0] for line in lines[1:6]] == ["input", "conv1", "conv2", "fc1", "fc2"]
    assert "On 100 test images; a coordinate is each unit at each position; Euclidean distance." in outcome.out
    assert "From input to fc2 n1 (points on a tree edge between classes, share)" in outcome.out
    assert (runs_dir / "small" / "complexity" / "layers.csv").is_file()


def test_a_second_time_it_is_read_from_the_run_and_says_the_same(command, runs_dir):
    words = ("complexity", "small", "--runs-dir", runs_dir, "--measures", "n1,n2,f1", "--json")
    first = command(*words)
    again = command(*words)

    assert document(again) == document(first)
    assert "as before" in again.err
    row = document(first)["layers"][1]
    assert list(row)[:8] == ["layer", "units", "positions", "width", "points", "n1", "n2", "f1"]
    assert row["n1_low"] <= row["n1"] <= row["n1_high"] and row["failed"] == ""


def test_chosen_layers_are_shown_and_not_kept(command, runs_dir):
    command("complexity", "small", "--runs-dir", runs_dir)
    kept = (runs_dir / "small" / "complexity" / "layers.csv").read_text()
    found = document(command("complexity", "small", "--runs-dir", runs_dir, "--layers", "fc2,input", "--json"))

    assert [row["layer"] for row in found["layers"]] == ["input", "fc2"]
    assert (runs_dir / "small" / "complexity" / "layers.csv").read_text() == kept


def test_the_images_alone_take_no_network(command, tmp_path):
    words = ("complexity", "--dataset", "digits", "--raw", "--sample", "100", "--runs-dir", tmp_path, "--json")
    found = document(command(*words))

    assert [row["layer"] for row in found["layers"]] == ["input"]
    assert found["answer"].startswith("n1 (points on a tree edge between classes, share) is 0.")
    assert found["points"] == 100


def test_a_plan_says_passes_and_memory_and_measures_nothing(command, runs_dir):
    outcome = command("complexity", "small", "--runs-dir", runs_dir, "--plan")

    assert outcome.code == 0
    assert outcome.out.splitlines()[0].split() == "layer width points pass activations tree measures".split()
    assert outcome.out.splitlines()[1].split()[:4] == ["input", "64", "100", "-"]
    assert "1 pass over 100 images, at most " in outcome.out
    assert outcome.out.endswith("Nothing has been done; leave --plan out to do it.\n")


def test_a_plan_without_a_tree_names_none_and_the_memory_of_what_is_asked(command, runs_dir):
    words = ("complexity", "small", "--runs-dir", runs_dir, "--layers", "input", "--plan", "--json")

    tree, none = (document(command(*words, "--measures", names))["layers"][0] for names in ("n1", "f1,linear_error"))

    assert (tree["method"], none["method"]) == ("prim", "-")
    assert none["measure_memory"] == 16 * 100 * (64 + 64)


def test_a_limit_that_is_not_enough_is_said_before_and_with_the_answer(command, runs_dir):
    words = ("complexity", "small", "--runs-dir", runs_dir, "--layers", "input,conv1", "--memory-limit", "0.0001")
    said = "The memory limit of 0.0001 GB is not enough for 2 of 2 layers: "

    plan, answer, enough = command(*words, "--plan"), command(*words), command(*words[:-1], "1")

    assert said in " ".join(plan.out.split())
    assert (answer.code, said in " ".join(answer.err.split())) == (0, True)
    assert "not enough" not in enough.err + enough.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mine.keras",), 2, "Say on which images MODEL is measured: --dataset."),
        (("--raw", "--layers", "conv1"), 2, "--raw looks at the images alone: leave --layers out."),
        (("small", "--output", "2"), 1, "has no output '2'. It has: "),
        (("small", "--checkpoints", "."), 2, "Name models or --checkpoints, not both."),
        (("small", "--layers", "conv9"), 1, "has no layer 'conv9'. It can be cut at: "),
        (("small", "--measures", "n9"), 1, "There is no measure 'n9'. Measures: n1, "),
    ],
)
def test_what_cannot_be_done_is_named(words, code, said, command, runs_dir):
    outcome = command("complexity", *words, "--runs-dir", runs_dir)
    assert (outcome.code, said in outcome.err) == (code, True)


class TestWords:
    def said(self, *values):
        layers = ["input", "conv", "fc"][: len(values)]
        return complexity_answer(pd.DataFrame({"layer": layers, "n3": values}), ["n3"])

    def test_a_fall_is_explained(self):
        said = "From input to fc n3 (nearest neighbor is of another class, share) falls from 0.500 to 0.100"
        assert self.said(0.5, 0.3, 0.1) == f"{said}: neighbors agree more with depth."

    def test_a_rise_and_where_it_is_least(self):
        assert self.said(0.2, 0.1, 0.3).endswith("rises from 0.200 to 0.300; it is least in conv, 0.100.")

    def test_nothing_to_say(self):
        assert self.said(float("nan")) == "n3 has no answer in any layer."

    def test_what_a_coordinate_is(self):
        table = pd.DataFrame({"points": [5]})
        assert "unit's mean over positions" in measured_on(table, ComplexitySettings(pool="mean"))
