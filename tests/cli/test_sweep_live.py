"""How long a sweep still takes, and what is shown of it."""

import io

import pandas as pd
import pytest
from rich.console import Console

from fm_keras.progress import Step
from fm_keras.scaling import SweepEvent
from fm_keras_cli.sweep_live import LiveSweep
from fm_keras_cli.sweep_times import expected_seconds, work_of
from fm_keras_cli.terminal import Terminal

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when told to."""

    class Clock(list):
        def __call__(self):
            return self[0]

    now = Clock([0.0])
    monkeypatch.setattr("fm_keras_cli.sweep_live.time.monotonic", now)
    return now


@pytest.fixture
def live(clock):
    """A sweep of four trials, the second as dear as all others together, on no terminal."""
    terminal = Terminal()
    terminal.__dict__["err"] = Console(file=io.StringIO(), width=80)
    plan = pd.DataFrame({"trial": NAMES, "training_macs": [1e9, 3e9, 1e9, 1e9]})
    return LiveSweep(terminal, plan, {})


def event(kind, trial, **more):
    return SweepEvent(kind, trial, 0, 4, **more)


def finished(trial, status="done", **more):
    row = {"trial": trial, "status": status, "error": 0.25, "macs": 1e6, "seconds": 9, "reason": "", **more}
    return event("finished", trial, row=row)


def test_time_that_grows_with_the_work_is_continued():
    seconds = expected_seconds({"a": 1.0, "b": 2.0, "c": 4.0}, {"a": 15.0, "b": 20.0})

    assert seconds == pytest.approx({"a": 15, "b": 20, "c": 30})


def test_time_that_falls_with_the_work_is_taken_as_that_of_starting():
    seconds = expected_seconds({"a": 1.0, "b": 2.0, "c": 4.0}, {"a": 11.0, "b": 9.0})

    assert seconds["c"] == pytest.approx(seconds["a"])


def test_one_finished_trial_tells_the_others_of_its_kind():
    assert expected_seconds({"a": 1.0, "b": 1.0}, {"a": 12.0}) == pytest.approx({"a": 12, "b": 12})
    assert expected_seconds({"a": 1.0, "b": 1.0}, {}) is None


def test_before_anything_is_known_no_time_is_said(live):
    live(event("started", "a"))

    assert live.standing == "0 of 4 trials"


def test_finished_trials_tell_the_time_left_and_those_that_run_share_it(live, clock):
    live(event("started", "a"))
    clock[0] = 10.0
    live(finished("a"))
    live(event("started", "c"))
    clock[0] = 20.0
    live(finished("c"))
    live(event("started", "d"))
    clock[0] = 25.0

    alone = live.seconds_left()
    assert live.standing.startswith("2 of 4 trials, about 0:00:")
    live(event("started", "b"))
    assert live.seconds_left() == pytest.approx(alone / 2)


def test_how_far_a_running_trial_is_tells_the_time_too(live, clock):
    live(event("started", "a"))
    live(event("step", "a", step=Step("reading", 5, 5)))
    assert live.seconds_left() is None
    clock[0] = 10.0
    live(event("step", "a", step=Step("train", 1, 2, "1/2 epochs")))

    assert live.seconds_left() > 10


def test_rows_of_an_earlier_time_are_counted_and_not_listed(live):
    live(event("kept", "a"))
    live(event("kept", "b"))
    live(event("started", "c"))

    assert live.terminal.err.file.getvalue() == "2 of 4 trials as before\n"
    assert live.standing == "2 of 4 trials"


def test_a_lost_worker_and_a_failed_trial_are_told(live):
    live(event("started", "a"))
    live(event("lost", "a", reason="its process was killed"))
    live(event("started", "a"))
    live(finished("a", status="failed", reason="out of memory"))

    assert live.terminal.err.file.getvalue().splitlines() == [
        "a  its process was killed; started once more",
        "a  failed: out of memory",
    ]


def test_a_trial_may_end_before_it_was_heard_to_start(live):
    live(event("lost", "a", reason="Its worker was lost: WorkerCrashedError."))
    live(finished("a", status="failed", reason="Its worker was lost: WorkerCrashedError."))
    live(event("step", "b", step=Step("train", 1, 2, "1/2 epochs")))
    live(finished("b"))

    said = live.terminal.err.file.getvalue().splitlines()
    assert said[1:] == ["a  failed: Its worker was lost: WorkerCrashedError.", "b  error 0.250   1.00 M MACs  0:00:09"]
    assert live.standing.startswith("2 of 4 trials")


def test_a_lost_trial_does_not_run_until_it_is_started_again(live):
    live(event("started", "a"))
    live(event("lost", "a", reason="its process was killed"))
    assert not live.running


def test_the_work_of_networks_of_unknown_cost_is_the_mean_of_the_others():
    def plan(*macs):
        return pd.DataFrame({"trial": list("abc"), "training_macs": pd.Series(macs, dtype=object)})

    assert work_of(plan(1e9, None, 3e9)) == {"a": 1e9, "b": 2e9, "c": 3e9}
    assert work_of(plan(None, None, None)) == {"a": 1, "b": 1, "c": 1}


def test_a_row_of_unknown_cost_is_told_without_it(live):
    live(event("started", "a"))
    live(finished("a", macs=None))
    assert live.terminal.err.file.getvalue() == "a  error 0.250        - MACs  0:00:09\n"


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_running_trials_are_a_line_each_that_fits(live, clock, columns):
    live.terminal.err.width = columns
    live(event("started", "a"))
    live(event("started", "b"))
    clock[0] = 10.0
    live(event("step", "a", step=Step("train", 3, 12, "3/12 epochs, test accuracy 0.612")))

    with live.terminal.err.capture() as drawn:
        live.terminal.err.print(live.draw())

    first, second, whole = drawn.get().splitlines()
    assert first.startswith("a ") and "test accuracy 0.612" in first and first.rstrip().endswith("0:00:30 left")
    assert "starting" in second
    assert whole.startswith("sweep  0 of 4 trials, about ")
    assert max(map(len, (first, second, whole))) <= columns
