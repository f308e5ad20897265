"""What run.json holds: where it comes from, and what makes two runs the same."""

import sys

from fm_keras.records import versions


def test_the_backend_comes_from_the_environment_while_keras_is_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")

    assert versions()["backend"] == "jax"


def test_runs_are_the_same_whatever_their_command_and_versions(record_of):
    other = record_of().model_copy(update={"command": "fm-keras run", "versions": {"keras": "3.10.0"}})

    assert record_of().differences(other) == []


def test_every_difference_of_two_runs_is_named(record_of):
    differences = record_of().differences(record_of(width=8, content="d1"))

    assert differences == ["model.width 16 instead of 8", "content of the data d0 instead of d1"]
