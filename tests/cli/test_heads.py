"""fm-keras heads: a row for each head, the matrix of one, kept in the run."""

import json

import pytest

from fm_keras_cli.main import main

QUICK = ("--probe-epochs", "1")


@pytest.fixture(scope="module")
def transformers(tmp_path_factory):
    """A folder with the run `heads`: a small transformer on a hundred digits."""
    folder = tmp_path_factory.mktemp("transformers")
    words = "train --model cct2 --width 8 --heads 2 --limit 100 --epochs 1 --name heads --quiet --json"
    assert main([*words.split(), "--runs-dir", str(folder)]) == 0
    return folder


def test_a_table_has_a_row_for_each_head_and_is_kept_in_the_run(transformers, command):
    outcome = command("heads", "heads", *QUICK, "--runs-dir", transformers)

    assert outcome.code == 0
    rows = [line.split()[:2] for line in outcome.out.splitlines() if line.lstrip().startswith("block")]
    assert rows == [[f"block{block}_attention", str(head)] for block in (1, 2) for head in (0, 1)]
    assert "In block2_attention a head holds" in outcome.out
    assert (transformers / "heads" / "heads" / "filters.csv").is_file()
    assert (transformers / "heads" / "heads" / "nodes" / "filters.csv").is_file()

    again = command("heads", "heads", *QUICK, "--runs-dir", transformers, "--json")

    assert "as before" in again.err
    found = json.loads(again.out)
    assert [row["nodes"] for row in found["heads"]] == [4] * 4
    assert list(found["holders"][0])[:3] == ["layer", "head", "0"]


def test_one_head_is_drawn_as_a_matrix(transformers, command):
    words = ("heads", "heads", *QUICK, "--runs-dir", transformers, "--layers", "block1_attention", "--head", "1")

    assert command(*words).out.startswith("block1_attention, head 1 of 2: ")
    assert json.loads(command(*words, "--json").out)["head"] == 1


def test_a_network_without_heads_and_a_head_without_its_layer_are_refused(runs_dir, transformers, command):
    refused = command("heads", "small", "--runs-dir", runs_dir)
    assert (refused.code, refused.out) == (1, "")
    assert "'lenet5' has no heads" in refused.err

    assert command("heads", "heads", "--head", "1", "--runs-dir", transformers).code == 2
    unknown = command("heads", "heads", "--layers", "conv1", "--runs-dir", transformers)
    assert "has no heads in 'conv1'. It has some in: block1_attention, block2_attention." in unknown.err


def test_of_heads_that_were_kept_those_of_the_chosen_layers_are_shown(transformers, command):
    words = ("heads", "heads", *QUICK, "--runs-dir", transformers, "--json")
    whole = json.loads(command(*words).out)

    chosen = command(*words, "--layers", "block2_attention")

    assert "as before" in chosen.err
    found = json.loads(chosen.out)
    for part in ("heads", "holders"):
        assert found[part] == [row for row in whole[part] if row["layer"] == "block2_attention"]
