import json

import pandas as pd
import pytest

from fm_keras.models import read_model
from fm_keras_cli.complexity_course import course_answer, course_table

DIGITS = ("--dataset", "digits", "--sample", "60", "--measures", "n3")


@pytest.fixture(scope="module")
def checkpoints(runs_dir, tmp_path_factory):
    """Two epochs of a training: the network of the run `small`, and before it the same with smaller weights."""
    folder = tmp_path_factory.mktemp("checkpoints")
    model = read_model(runs_dir / "small" / "train" / "model.keras")
    model.save(folder / "epoch10.keras")
    model.set_weights([weights / 10 for weights in model.get_weights()])
    model.save(folder / "epoch02.keras")
    return folder


def test_checkpoints_are_shown_in_the_order_of_their_epochs_and_drawn(command, checkpoints, tmp_path):
    outcome = command("complexity", "--checkpoints", checkpoints, *DIGITS, "--plot", tmp_path / "course.png")

    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["layer", "ep.", "2", "ep.", "10", "n3"]
    assert [line.split()[0] for line in lines[1:6]] == ["input", "conv1", "conv2", "fc1", "fc2"]
    assert "After fc2 n3 (nearest neighbor is of another class, share) " in outcome.out
    assert " in epoch 2 to " in outcome.out.replace("\n", " ")
    assert (tmp_path / "course.png").stat().st_size > 1000


def test_runs_and_files_stand_side_by_side_on_the_images_of_the_run(command, checkpoints, runs_dir, tmp_path):
    words = ("complexity", "small", checkpoints / "epoch02.keras", *DIGITS[2:], "--layers", "input,fc2")
    outcome = command(*words, "--runs-dir", runs_dir, "--plot", tmp_path / "both.svg", "--json")

    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert [(row["model"], row["layer"]) for row in found["layers"]] == [
        ("small", "input"),
        ("small", "fc2"),
        ("epoch02", "input"),
        ("epoch02", "fc2"),
    ]
    assert found["points"] == 60
    assert (tmp_path / "both.svg").is_file()


def test_a_plan_is_that_of_the_first_network(command, checkpoints):
    outcome = command("complexity", "--checkpoints", checkpoints, *DIGITS, "--plan")

    assert (outcome.code, "Of each network as of the first:" in outcome.err) == (0, True)
    assert outcome.out.endswith("Nothing has been done; leave --plan out to do it.\n")


def test_a_limit_that_is_not_enough_is_said_with_the_answer(command, checkpoints):
    outcome = command("complexity", "--checkpoints", checkpoints, *DIGITS, "--layers", "fc2", "--memory-limit", "1e-6")

    assert outcome.code == 0
    assert "The memory limit of 1e-06 GB is not enough for 1 of 1 layer: fc2 takes " in " ".join(outcome.err.split())


def test_what_cannot_be_measured_is_named(command, checkpoints, runs_dir, tmp_path):
    empty = command("complexity", "--checkpoints", tmp_path, *DIGITS)
    assert (empty.code, "holds no .keras files." in empty.err) == (1, True)
    twice = command("complexity", "small", "small", "--runs-dir", runs_dir)
    assert (twice.code, "Each network is named once; received small, small." in twice.err) == (1, True)
    nowhere = command("complexity", "--checkpoints", checkpoints)
    assert (nowhere.code, "Say on which images MODEL is measured" in nowhere.err) == (2, True)


def course(count, epochs=True):
    rows = [
        {"model": f"net{number}", "epoch": number if epochs else float("nan"), "layer": layer, "n3": (9 - number) / 10}
        for number in range(count)
        for layer in ("input", "fc")
    ]
    return pd.DataFrame(rows)


def test_of_many_networks_first_and_last_and_some_between_are_shown_and_a_block_for_each():
    shown = course_table(course(9), "n3", 60)

    heads = [str(column.header) for column in shown.columns]
    assert (heads[1], heads[-2]) == ("ep. 0", "ep. 8")
    assert 4 < len(heads) < 9
    blocks = next(iter(shown.columns[-1].cells))
    assert len(str(blocks)) == 9


def test_epochs_are_told_as_a_course_and_other_networks_one_by_one():
    assert course_answer(course(3), "n3").endswith("falls from 0.900 in epoch 0 to 0.700 in epoch 2.")
    assert course_answer(course(2, epochs=False), "n3").endswith(
        "of the last layer: 0.900 in fc of net0, 0.800 in fc of net1."
    )
