import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from fm_keras import sweep
from fm_keras.errors import BadRun, InvalidInput
from fm_keras.scaling import read_sweep, read_table
from fm_keras.settings import DataSettings, SweepSettings, TrainSettings

W2, W4, W8 = (f"lenet-w{width}-r2.667-s0" for width in (2, 4, 8))


def test_every_trial_has_a_row_with_its_axes_and_what_its_worker_found(run_sweep):
    rows, _ = run_sweep(settings={"seeds": (0, 1)})

    assert list(rows.index) == [W2, "lenet-w2-r2.667-s1", W4, "lenet-w4-r2.667-s1"]
    assert rows["error"].tolist() == [1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert rows.loc[W4, ["model", "width", "labels", "samples", "seed"]].tolist() == ["lenet", 4, 10, 100, 0]
    assert rows["ratio"].tolist() == [16 / 6] * 4
    assert set(rows["status"]) == {"done"}


def test_the_returned_rows_are_those_on_disk(run_sweep, to):
    rows, _ = run_sweep()

    pd.testing.assert_frame_equal(rows.reset_index(), read_sweep(to))


def test_the_same_call_again_runs_only_what_is_missing(run_sweep, planned):
    first, _ = run_sweep()
    again, told = run_sweep(widths=(4, 8, 2))

    assert planned.started == [W2, W4, W8]
    pd.testing.assert_frame_equal(again.loc[first.index], first, check_dtype=False)
    assert [(event.kind, event.trial) for event in told if event.kind == "kept"] == [("kept", W4), ("kept", W2)]


def test_progress_hears_of_start_steps_and_end_with_the_row_and_how_many_are_done(run_sweep):
    _, told = run_sweep()

    first = [event for event in told if event.trial == W2]
    assert [event.kind for event in first] == ["started", "step", "finished"]
    assert (first[1].step.stage, first[1].step.note) == ("train", "1/2 epochs")
    assert (first[0].finished, first[2].finished, first[2].total) == (0, 1, 2)
    assert first[2].row["error"] == 0.5


def test_a_failed_trial_says_why_in_one_line_and_the_sweep_goes_on(run_sweep, planned, to):
    planned.shall({W2: ["fail"]})

    rows, _ = run_sweep()

    assert rows.loc[W2, ["status", "reason"]].tolist() == ["failed", "ValueError: no luck with this one"]
    assert np.isnan(rows.loc[W2, "error"])
    assert rows.loc[W4, "status"] == "done"
    assert "no luck" in (to / "trials" / W2 / "log.txt").read_text()
    assert not (to / "trials" / W4).exists()


def test_a_failed_trial_is_tried_again_by_the_same_call(run_sweep, planned, to):
    planned.shall({W2: ["fail", "work"]})
    run_sweep()

    rows, told = run_sweep()

    assert planned.started == [W2, W4, W2]
    assert rows.loc[W2, ["status", "reason", "epochs"]].tolist() == ["done", "", 2]
    assert told[-1].finished == told[-1].total == 2
    assert not (to / "trials").exists()


def test_whole_numbers_stay_whole_beside_a_failed_trial(run_sweep, planned, to):
    planned.shall({W2: ["fail"]})
    run_sweep()

    line = next(line for line in (to / "trials.csv").read_text().splitlines() if line.startswith(W4))
    assert line.split(",")[7:11] == ["0", "2", "40", "100"]


@pytest.mark.parametrize("how", ["die", "exit"])
def test_a_trial_whose_process_is_lost_is_started_once_more(run_sweep, planned, how):
    planned.shall({W2: [how, "work"]})

    rows, told = run_sweep()

    assert planned.started == [W2, W2, W4]
    assert set(rows["status"]) == {"done"}
    (lost,) = (event for event in told if event.kind == "lost")
    assert lost.trial == W2
    assert lost.reason.startswith("Its process")


def test_a_trial_whose_process_is_lost_twice_has_failed(run_sweep, planned):
    planned.shall({W2: ["die", "die", "work"]})

    rows, _ = run_sweep()

    assert planned.started == [W2, W2, W4]
    assert rows.loc[W2, ["status", "reason"]].tolist() == ["failed", "Its process was killed by SIGKILL."]
    assert rows.loc[W4, "status"] == "done"


def test_a_worker_killed_from_outside_loses_no_row(run_sweep, planned):
    planned.shall({W4: ["wait", "work"]})

    def kill(event):
        if (event.trial, event.kind) == (W4, "step") and planned.started.count(W4) == 1:
            os.kill(planned.process_of(W4), signal.SIGKILL)

    rows, _ = run_sweep(widths=(2, 4, 8), progress=kill)

    assert planned.started == [W2, W4, W4, W8]
    assert rows["status"].tolist() == ["done"] * 3


def test_an_interrupted_sweep_keeps_its_rows_ends_its_workers_and_goes_on(run_sweep, planned, to):
    planned.shall({W4: ["wait"]})

    def interrupt(event):
        if (event.trial, event.kind) == (W4, "step"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(progress=interrupt)

    with pytest.raises(ProcessLookupError):
        os.kill(planned.process_of(W4), 0)
    assert read_sweep(to)["trial"].tolist() == [W2]
    assert (to / "trials" / W4).exists()
    planned.shall({})
    rows, _ = run_sweep()
    assert list(rows.index) == [W2, W4]
    assert planned.started == [W2, W4, W4]


def test_layer_tables_of_all_trials_stand_in_one_file(run_sweep, planned, to):
    planned.shall({W4: ["fail"]})
    run_sweep(settings={"measure": ("filters",)})
    planned.shall({})
    run_sweep(settings={"measure": ("filters",)})

    layers = read_table(to, "layers")
    assert layers["trial"].tolist() == [W2, W2, W4, W4]
    assert layers["layer"].tolist() == ["conv1", "conv2"] * 2
    assert np.isinf(layers["noise"]).all()


def test_other_settings_or_images_in_the_same_folder_are_refused_and_named(run_sweep, to, message_of):
    run_sweep()
    other = {"train": TrainSettings(epochs=7)}

    assert message_of(lambda: run_sweep(**other)) == (
        f"{to} has train.epochs 18 instead of 7. Choose another name for this one."
    )
    settings = SweepSettings(widths=(2,), measure=("filters",))
    assert "sweep.measure [] instead of ['filters']" in message_of(
        lambda: sweep(DataSettings(limit=100), to=to, settings=settings)
    )
    assert "content of the data" in message_of(lambda: sweep("digits", to=to, settings=SweepSettings(widths=(2,))))


def test_a_changed_helper_of_the_user_s_file_is_another_sweep(run_sweep, to, tmp_path, message_of):
    file = tmp_path / "nets.py"
    text = "TIMES = 2\ndef net(width): return width * TIMES\n"
    file.write_text(text)
    run_sweep(build=f"{file}:net")
    file.write_text(text.replace("2", "3"))

    assert message_of(lambda: run_sweep(build=f"{file}:net")) == (
        f"{to} has networks of net as its file was before it was changed. Choose another name for this one."
    )


def test_the_seed_of_the_training_does_not_tell_sweeps_apart(run_sweep, planned):
    run_sweep()
    run_sweep(train=TrainSettings(seed=3))

    assert len(planned.started) == 2


def test_a_folder_that_is_no_sweep_is_left_alone(run_sweep, to):
    to.mkdir(parents=True)
    (to / "letter.txt").write_text("dear")

    with pytest.raises(BadRun, match="is not a sweep"):
        run_sweep()
    assert [each.name for each in to.iterdir()] == ["letter.txt"]


def test_a_sweep_in_use_by_another_process_is_refused(run_sweep, to):
    run_sweep()
    holds = f"from fm_keras.runs import *\nwith lock_folder(Path({str(to)!r})): print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()

        with pytest.raises(BadRun, match=f"is in use by process {other.pid}"):
            run_sweep()
        other.communicate(b"\n")


def test_a_damaged_table_says_which_file(run_sweep, to, message_of):
    run_sweep()
    (to / "trials.csv").write_text('"')

    assert message_of(run_sweep).startswith(f"{to / 'trials.csv'} is damaged")


def test_reading_what_is_no_sweep_says_so(tmp_path, message_of):
    assert "holds no sweep" in message_of(read_sweep, tmp_path)


def test_ray_address_without_ray_engine_is_refused(to):
    with pytest.raises(InvalidInput, match="is for engine='ray'"):
        sweep("digits", to=to, settings=SweepSettings(address="auto"))
    assert not to.exists()
