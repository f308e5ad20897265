"""The command line in this process, and a small run that many tests look at."""

import shutil
from dataclasses import dataclass

import pandas as pd
import pytest

from fm_keras.progress import Step
from fm_keras.scaling import SweepEvent, plan_sweep
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


def _error_of(trial):
    """A power law of the width, 2% to either side for the seeds; VGG-6 is better."""
    level = 0.5 if trial["model"] == "vgg6" else 0.8
    ratio = 1 if pd.isna(trial["ratio"]) else 1 + 0.1 * abs(trial["ratio"] - 8 / 3)
    return level * ratio * trial["width"] ** -0.5 * (0.98 + 0.04 * (trial["seed"] % 2))


@pytest.fixture
def made_up_sweep(monkeypatch):
    """A sweep that trains nothing; returns the names of the trials that it ran, and stops or fails where told to."""

    class Trained(list):
        stop_at = fails = None

    ran = Trained()

    def sweep(data, *, to, settings, train, build, progress, **measuring):
        plan = plan_sweep(data, to=to, settings=settings, train=train, build=build)
        to.mkdir(parents=True, exist_ok=True)
        file = to / "trials.csv"
        rows = pd.read_csv(file).to_dict("records") if file.exists() else []
        done = {row["trial"] for row in rows}
        for number, trial in enumerate(plan.to_dict("records")):
            name = trial["trial"]
            if name in done:
                progress(SweepEvent("kept", name, number, len(plan)))
                continue
            progress(SweepEvent("started", name, number, len(plan), "local 1"))
            progress(SweepEvent("step", name, number, len(plan), "local 1", Step("train", 1, 2, "1/2 epochs")))
            if name == ran.stop_at:
                raise KeyboardInterrupt
            failed = ran.fails in (name, "all")
            row = {**trial, "seconds": 1.5, "status": "failed" if failed else "done", "reason": "", "loss": 1.0}
            row |= {"error": float("nan") if failed else _error_of(trial), "train_error": 0.1, "worker": "local 1"}
            row |= {"reason": "the training diverged"} if failed else {}
            if "filters" in settings.measure:
                row |= {"n_clusters": 1.2, "cluster_size": 2.0, "noise": 30 * trial["width"] ** -0.3, "snr": 4.0}
            row.pop("training_macs")
            rows.append(row)
            pd.DataFrame(rows).to_csv(file, index=False)
            ran.append(name)
            progress(SweepEvent("finished", name, number + 1, len(plan), "local 1", row=row))
        return pd.DataFrame(rows)

    monkeypatch.setattr("fm_keras.scaling.sweeping.sweep", sweep)
    return ran
