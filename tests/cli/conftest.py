"""The command line in this process, and a small run that many tests look at."""

import shutil
from dataclasses import dataclass

import pytest

from fm_keras_cli.main import main

SMALL = ("--model", "lenet5", "--limit", "100", "--epochs", "3", "--probe-epochs", "1")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def command(capfd, monkeypatch):
    """Run fm-keras on a terminal of 100 columns that shows no color."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*words):
        capfd.readouterr()
        code = main([str(word) for word in words])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def runs_dir(tmp_path_factory):
    """A folder with the run `small`: LeNet-5 on a hundred digits."""
    folder = tmp_path_factory.mktemp("runs")
    assert main(["run", *SMALL, "--name", "small", "--runs-dir", str(folder), "--quiet", "--json"]) == 0
    return folder


@pytest.fixture
def small():
    return SMALL


@pytest.fixture
def here(runs_dir, tmp_path):
    """A copy of the run `small`, to be changed at will."""
    shutil.copytree(runs_dir / "small", tmp_path / "runs" / "small")
    return tmp_path / "runs"


@pytest.fixture
def mine(runs_dir, tmp_path):
    """Its network as a file of the user's."""
    return shutil.copy(runs_dir / "small" / "train" / "model.keras", tmp_path / "mine.keras")
