"""Stages of a run: whole or not at all, current or not, damage noticed."""

import errno
import json
import os

import numpy as np
import pytest

from fm_keras.files import save_arrays
from fm_keras.settings import AnalysisSettings

SETTINGS = {"analysis": AnalysisSettings()}
INPUTS = {"model": "m0", "data": "d0"}


def write_stage(run, text="conv1_1,0.5\n", name="analysis"):
    with run.stage(name, SETTINGS, INPUTS) as folder:
        folder.layers.write_text(text)


def test_a_finished_stage_reads_back_and_is_current(run):
    write_stage(run)

    assert run.read_stage("analysis").layers.read_text() == "conv1_1,0.5\n"
    assert run.is_current("analysis", SETTINGS, INPUTS)


def test_stage_json_holds_settings_inputs_and_the_hash_of_every_file(run):
    with run.stage("analysis", SETTINGS, INPUTS) as folder:
        folder.layers.write_text("a\n")
        save_arrays(folder.arrays("block/conv"), {"kernel": np.zeros((2, 3))})

    record = json.loads((run.path / "analysis" / "stage.json").read_text())

    assert (record["format"], record["inputs"]) == (1, INPUTS)
    assert record["settings"]["analysis"]["threshold"] == 0.3
    assert sorted(record["files"]) == ["arrays/block%2Fconv.npz", "layers.csv"]
    assert record["files"]["layers.csv"] == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"


@pytest.mark.parametrize(
    ("settings", "inputs"),
    [
        ({"analysis": AnalysisSettings(threshold=0.4)}, INPUTS),
        ({}, INPUTS),
        (SETTINGS, {**INPUTS, "model": "m1"}),
        (SETTINGS, {"model": "m0"}),
    ],
)
def test_a_stage_made_from_something_else_is_not_current(run, settings, inputs):
    write_stage(run)

    assert not run.is_current("analysis", settings, inputs)


def test_a_stage_is_replaced_as_a_whole(run):
    with run.stage("analysis", SETTINGS, INPUTS) as folder:
        folder.filters.write_text("old")

    write_stage(run, "new")

    assert sorted(path.name for path in (run.path / "analysis").iterdir()) == ["layers.csv", "stage.json"]
    assert not list(run.path.glob(".partial-*")) + list(run.path.glob(".old-*"))


def test_an_interrupted_stage_leaves_the_old_one_and_no_trace(run):
    write_stage(run, "old")

    with pytest.raises(KeyboardInterrupt), run.stage("analysis", SETTINGS, INPUTS) as folder:
        folder.layers.write_text("half")
        raise KeyboardInterrupt

    assert run.read_stage("analysis").layers.read_text() == "old"
    assert not list(run.path.glob(".partial-*"))


def test_what_a_killed_process_left_is_removed_by_the_next_stage(run):
    (run.path / ".partial-1-analysis").mkdir()
    (run.path / ".old-1-analysis" / "arrays").mkdir(parents=True)

    write_stage(run)

    assert not list(run.path.glob(".partial-*")) + list(run.path.glob(".old-*"))


def test_a_stage_can_stand_in_a_folder_of_stages(run):
    write_stage(run, name="prune/half")

    assert run.read_stage("prune/half").path == run.path / "prune" / "half"


def test_the_checkpoints_go_when_training_is_complete_and_not_before(run):
    run.checkpoints.mkdir()

    write_stage(run, name="analysis")
    assert run.checkpoints.exists()

    write_stage(run, name="train")
    assert not run.checkpoints.exists()


def test_a_stage_that_is_not_there_names_the_command_that_makes_it(run, message_of):
    assert (
        message_of(run.read_stage, "analysis")
        == f"{run.path} has no stage 'analysis' yet. Make it: {run.record.command}"
    )
    assert not run.is_current("analysis", SETTINGS, INPUTS)


def damage(file, how):
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:-1])
    if how == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    if how == "removed":
        file.unlink()


@pytest.mark.parametrize("how", ["truncated", "changed", "removed"])
@pytest.mark.parametrize("name", ["layers.csv", "stage.json"])
def test_a_damaged_stage_names_the_file_and_the_command_and_is_not_current(run, name, how, message_of):
    write_stage(run)
    file = run.path / "analysis" / name
    # The last byte of stage.json is a line's end, which JSON does not need.
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    damage(file, how)

    message = message_of(run.read_stage, "analysis")

    assert message.startswith(f"{file} is {'missing' if how == 'removed' else 'damaged'}")
    assert message.endswith(f"Make it again: {run.record.command}")
    assert not run.is_current("analysis", SETTINGS, INPUTS)


def test_a_damaged_stage_can_be_made_again(run):
    write_stage(run)
    damage(run.path / "analysis" / "layers.csv", "truncated")

    write_stage(run)

    assert run.is_current("analysis", SETTINGS, INPUTS)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device. Free some space there and repeat the command"),
        (errno.EACCES, "Permission denied. Choose a folder that you may write to."),
        (errno.EROFS, "Read-only file system. Choose a folder that you may write to."),
    ],
)
def test_a_disk_that_refuses_is_one_line_and_keeps_the_old_stage(run, monkeypatch, number, advice, message_of):
    write_stage(run, "old")

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    message = message_of(write_stage, run)
    monkeypatch.undo()

    assert advice in message
    assert message.startswith(str(run.path))
    assert run.read_stage("analysis").layers.read_text() == "old"
