"""Runs by name, path and latest; the same command the same run; one process at a time."""

import os
import subprocess
import sys

import numpy as np
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.runs import Run, default_run_name, list_runs


def test_a_run_that_is_made_and_opened_again_says_the_same(run, root):
    opened = Run.open("digits-vgg16", root)

    assert opened == run
    assert opened.record.data.test == 360
    assert opened.record.versions["numpy"] == np.__version__
    assert set(opened.record.versions) >= {"fm_keras", "python", "keras", "backend", opened.record.versions["backend"]}


def test_a_run_is_found_by_name_by_path_and_as_the_latest(run, root, record_of):
    other = Run.create("mnist-vgg16", record_of(dataset="mnist"), root)
    os.utime(run.path, ns=(1, 1))

    assert Run.open("digits-vgg16", root).path == Run.open(run.path).path == run.path
    assert Run.open("latest", root).path == other.path
    assert list_runs(root) == [run.path, other.path]


def test_finishing_a_stage_makes_a_run_the_latest(run, root, record_of):
    other = Run.create("mnist-vgg16", record_of(dataset="mnist"), root)
    os.utime(run.path, ns=(1, 1))
    os.utime(other.path, ns=(2, 2))

    with run.stage("train", {}, {}):
        pass

    assert Run.open("latest", root).path == run.path


def test_the_same_command_gets_the_same_run_and_other_settings_the_next_name(run, root, record_of):
    assert default_run_name(record_of(), root) == "digits-vgg16"
    assert default_run_name(record_of(width=32), root) == "digits-vgg16-2"

    Run.create("digits-vgg16-2", record_of(width=32), root)

    assert default_run_name(record_of(width=32), root) == "digits-vgg16-2"
    assert default_run_name(record_of(content="d1"), root) == "digits-vgg16-3"


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("cifar10", "cifar10-vgg16"),
        ("folder:/home/me/My pets/", "my-pets-vgg16"),
        ("npz:cells.npz", "cells.npz-vgg16"),
        ("folder:..", "vgg16"),
    ],
)
def test_a_run_is_named_after_data_and_model(root, dataset, name, record_of):
    assert default_run_name(record_of(dataset=dataset), root) == name
    assert Run.create(name, record_of(), root).name == name


def test_making_the_same_run_again_opens_it(run, root, record_of):
    assert Run.create("digits-vgg16", record_of(), root) == run


def test_a_name_that_belongs_to_another_run_is_refused_with_the_difference(run, root, record_of, message_of):
    message = message_of(Run.create, "digits-vgg16", record_of(width=32), root)

    assert message == f"{run.path} has model.width 16 instead of 32. Choose another name for this one."


def test_a_folder_that_holds_something_else_is_not_made_a_run(tmp_path, record_of, message_of):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()

    message = message_of(Run.create, "thesis", record_of(), tmp_path)

    assert message == f"{tmp_path / 'thesis'} exists and is not a run: it has no run.json. Choose another name."


@pytest.mark.parametrize("name", ["", "latest", "a/b", "..", ".hidden"])
def test_a_name_that_cannot_be_a_folder_is_refused(root, name, record_of):
    with pytest.raises(InvalidInput, match="A run cannot be called"):
        Run.create(name, record_of(), root)


def test_a_missing_run_is_answered_with_the_runs_there_are(run, root, message_of):
    assert message_of(Run.open, "cifar", root) == f"There is no run 'cifar'. Runs in {root}: digits-vgg16."


def test_without_runs_the_latest_is_answered_with_how_to_make_one(root, message_of):
    message = message_of(Run.open, "latest", root)

    assert message == f"There is no run 'latest'. There are no runs in {root}: fm-keras run makes one."


def test_a_folder_without_run_json_is_not_a_run(run, root, tmp_path, message_of):
    message = message_of(Run.open, tmp_path, root)

    assert message == f"{tmp_path} is not a run: it has no run.json. Runs in {root}: digits-vgg16."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is damaged: expected JSON."),
        ("[]", ": expected format 1, found None."),
        ('{"format": 2}', ": expected format 1, found 2."),
        ('{"format": 1}', "is damaged: settings: field required."),
        (b"\xff\xfe", "is damaged: expected JSON."),
    ],
)
def test_a_run_json_that_cannot_be_read_is_one_line(run, root, content, why, message_of):
    file = run.path / "run.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    message = message_of(Run.open, "digits-vgg16", root)

    assert message.startswith(str(file))
    assert why in message
    assert message.endswith(f"Remove {run.path} and make the run again.")


def test_a_root_that_is_a_file_is_one_line(tmp_path, record_of, message_of):
    (tmp_path / "runs").touch()

    message = message_of(Run.create, "digits-vgg16", record_of(), tmp_path / "runs")

    assert message.endswith("Something else has that name: move it away or choose another.")


HOLD = """
import sys, time
from fm_keras.runs import Run
with Run.open(sys.argv[1]).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(run):
    """Another process that has the run."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, run.path], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_run_in_use_names_the_process_and_its_lock_dies_with_it(run, holder, message_of):
    expected = f"{run.path} is in use by process {holder.pid}. Wait for it, or choose another name."
    assert message_of(run.lock().__enter__) == expected

    holder.kill()
    holder.wait()

    with run.lock():
        assert (run.path / ".lock-owner").read_text() == str(os.getpid())


def test_a_process_may_lock_its_own_run_twice(run, root):
    with run.lock(), Run.open("digits-vgg16", root).lock(), run.stage("train", {}, {}):
        pass

    assert run.is_current("train", {}, {})
