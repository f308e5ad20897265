"""Sweeps whose workers are real processes that train nothing: each does what the test has planned for it."""

import json

import pytest

from fm_keras import sweep
from fm_keras.settings import DataSettings, SweepSettings

# Python runs it at the start of every process; only that of a trial is changed.
PLANNED = """
import json, os, sys, time
from pathlib import Path

HOME = Path(__file__).parent


def run_task(task, *, checkpoints, progress):
    trial = task.trial
    with (HOME / "started.txt").open("a") as file:
        file.write(f"{trial.name} {os.getpid()}\\n")
    before = [line.split()[0] for line in (HOME / "started.txt").read_text().splitlines()].count(trial.name) - 1
    planned = json.loads((HOME / "plan.json").read_text()).get(trial.name, [])
    what = planned[before] if before < len(planned) else "work"
    if what == "fail":
        raise ValueError("no luck\\nwith this one")
    if what == "die":
        os.kill(os.getpid(), 9)
    if what == "exit":
        os._exit(3)
    progress(Step("train", 1, 2, "1/2 epochs"))
    if what == "wait":
        time.sleep(60)
    print("what a network prints does not disturb")
    row = {"epochs": 2, "parameters": 10 * trial.width, "macs": 100, "error": 1 / (trial.width + trial.seed)}
    found = {"row": {**row, "loss": 0.5, "train_error": 0.1, "seconds": 1.0}}
    if task.measure:
        found["layers"] = [{"layer": each, "noise": float("inf")} for each in ("conv1", "conv2")]
    return found


if "fm_keras.scaling.sweeping.worker" in sys.orig_argv:
    import fm_keras.scaling.sweeping.task as tasks
    from fm_keras.progress import Step

    tasks.run_task = run_task
"""


class Planned:
    """What workers shall do, and what they did."""

    def __init__(self, home):
        self.home = home
        (home / "sitecustomize.py").write_text(PLANNED)
        self.shall({})

    def shall(self, plan):
        """By trial what its process does: fail, die, exit, wait or work; the first time, the second …"""
        (self.home / "plan.json").write_text(json.dumps(plan))

    @property
    def started(self) -> list[str]:
        """Trials in the order in which their processes began."""
        file = self.home / "started.txt"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def process_of(self, trial) -> int:
        """Number of the last process of a trial."""
        lines = [line.split() for line in (self.home / "started.txt").read_text().splitlines()]
        return int([number for name, number in lines if name == trial][-1])


@pytest.fixture
def planned(tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("planned")
    monkeypatch.setenv("PYTHONPATH", str(home))
    return Planned(home)


@pytest.fixture
def to(tmp_path):
    return tmp_path / "sweeps" / "widths"


@pytest.fixture
def run_sweep(planned, to):
    """A sweep of LeNet on digits with planned workers; returns its rows by trial, and what was told."""

    def run(*, widths=(2, 4), told=None, settings=None, **more):
        told = [] if told is None else told
        settings = SweepSettings(**{"widths": widths, "workers": 1, **(settings or {})})
        rows = sweep(DataSettings(limit=100), to=to, settings=settings, **{"progress": told.append, **more})
        return rows.set_index("trial"), told

    return run
