"""fm-keras sweep: rows as they finish, laws in words, pictures, plans; the trainings themselves are made up."""

import json

import numpy as np
import pandas as pd
import pytest

WORDS = ("--widths", "2,4,8,16", "--seeds", "0,1", "--epochs", 2, "--limit", 200)


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_the_end_says_the_law_and_what_twice_the_width_gains(command, made_up_sweep, tmp_path):
    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    heads, first, *_ = outcome.out.splitlines()
    assert heads.split() == ["width", "MACs", "parameters", "seeds", "error", "spread", "time"]
    assert first.split()[0] == "2"
    said = " ".join(outcome.out.split())
    assert "Error falls as width^-0.50" in said
    assert "Twice the width, 32, " in said
    assert "; half the error takes width 6" in said


def test_rows_are_told_as_they_finish_and_the_last_lines_say_where_they_lie(command, made_up_sweep, tmp_path):
    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    told = [line.split() for line in outcome.err.splitlines() if line.startswith("lenet-w")]
    assert [words[0] for words in told] == made_up_sweep
    assert told[0][1:3] == ["error", "0.554"]
    flat = "".join(outcome.err.split())
    assert f"Rowsarein{tmp_path}/digits-lenet/trials.csv" in flat
    assert "error-width.png" in flat
    assert (tmp_path / "digits-lenet" / "error-width.png").stat().st_size > 10_000


def test_the_document_holds_rows_designs_and_laws(command, made_up_sweep, tmp_path):
    found = document(command("sweep", *WORDS, "--sweeps-dir", tmp_path, "--json"))

    assert len(found["rows"]) == 8
    assert [row["width"] for row in found["designs"]] == [2, 4, 8, 16]
    (law,) = found["laws"]
    assert law["series"] == "lenet"
    exponent = law["law"]["numbers"][0]
    assert (exponent["quantity"], exponent["value"]) == ("exponent", pytest.approx(0.5, abs=0.02))
    assert found["path"] == str(tmp_path / "digits-lenet")


def test_the_same_command_trains_only_what_is_missing(command, made_up_sweep, tmp_path):
    command("sweep", *WORDS, "--sweeps-dir", tmp_path)
    made_up_sweep.clear()

    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path, "--widths", "2,4,8,16,32")

    assert made_up_sweep == ["lenet-w32-r2.667-s0", "lenet-w32-r2.667-s1"]
    assert "8 of 10 trials as before" in outcome.err


def test_after_ctrl_c_it_says_what_is_kept(command, made_up_sweep, tmp_path):
    made_up_sweep.stop_at = "lenet-w4-r2.667-s0"

    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    assert outcome.code == 130
    assert outcome.err.splitlines()[-1] == "Stopped. Kept: 2 of 8 trials. The same command goes on from there."


@pytest.mark.parametrize("epochs", [0, 3])
def test_after_ctrl_c_it_speaks_of_finished_epochs_only_where_there_are_some(command, made_up_sweep, tmp_path, epochs):
    made_up_sweep.stop_at = "lenet-w2-r2.667-s0"
    state = tmp_path / "digits-lenet" / "trials" / made_up_sweep.stop_at / "state.npz"
    state.parent.mkdir(parents=True)
    (state.parent / "log.txt").touch()
    if epochs:
        np.savez(state, history=np.zeros((epochs, 2)))

    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    said = "Stopped. Kept: the finished epochs of 1 trial. The same command goes on from there."
    nothing = "Stopped before anything was finished. The same command starts again."
    assert outcome.err.splitlines()[-1] == (said if epochs else nothing)


def test_a_failed_trial_is_named_with_its_reason_and_the_law_is_made_of_the_others(command, made_up_sweep, tmp_path):
    made_up_sweep.fails = "lenet-w16-r2.667-s0"

    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    said = " ".join(outcome.out.split())
    assert "lenet-w16-r2.667-s0 failed: the training diverged." in said
    assert "The same command tries what failed again." in said
    assert "Error falls as width^-0.49" in said


def test_a_sweep_of_which_nothing_is_left_says_why(command, made_up_sweep, tmp_path):
    made_up_sweep.fails = "all"

    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    assert "failed: the training diverged. The same command tries what failed again." in " ".join(outcome.out.split())


def test_architectures_are_compared_at_equal_error(command, made_up_sweep, tmp_path):
    words = ("--widths", "2,4,8", "--seeds", "0,1", "--limit", 200)
    outcome = command("sweep", *words, "--model", "lenet,vgg6", "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    said = " ".join(outcome.out.split())
    assert "lenet: error falls as width^-" in said and "vgg6: error falls as width^-" in said
    assert "MACs for an error of 0.283: " in said
    assert (tmp_path / "digits-lenet-vgg6" / "error-macs.png").is_file()


def test_ratios_at_equal_cost_have_a_best_one(command, made_up_sweep, tmp_path):
    words = ("--widths", "12", "--ratios", "1,2.667,6", "--equal-macs", "--seeds", "0,1,2", "--limit", 200)
    found = document(command("sweep", *words, "--sweeps-dir", tmp_path, "--json"))

    costs = [row["macs"] for row in found["designs"]]
    assert max(costs) < 1.1 * min(costs)
    assert "MACs lenet has the least error at depth ratio 2.6" in found["answer"]
    assert (tmp_path / "digits-lenet" / "depth-ratio.png").is_file()


def test_noise_has_its_law_where_filters_are_measured(command, made_up_sweep, tmp_path):
    outcome = command("sweep", *WORDS, "--measure", "filters", "--sweeps-dir", tmp_path)

    assert "Noise of a filter falls as width^-0.30" in " ".join(outcome.out.split())
    assert "noise" in outcome.out.splitlines()[0]


def test_a_plan_says_trials_cost_and_time_and_trains_nothing(command, made_up_sweep, tmp_path):
    command("sweep", *WORDS, "--widths", "2,4", "--sweeps-dir", tmp_path)
    made_up_sweep.clear()

    outcome = command("sweep", *WORDS, "--sweeps-dir", tmp_path, "--plan")

    heads, first, *_ = outcome.out.splitlines()
    assert heads.split() == ["width", "MACs", "parameters", "seeds", "done", "each"]
    assert first.split()[-2:] == ["2", "0:00:02"]
    said = " ".join(outcome.out.split())
    assert "8 trials, " in said and "4 are done before." in said
    assert "going by the trials that are finished." in said
    assert made_up_sweep == []


def test_a_first_plan_times_a_few_steps(command, tmp_path):
    planned = document(command("sweep", *WORDS, "--sweeps-dir", tmp_path, "--plan", "--json"))

    assert len(planned["trials"]) == 8
    assert planned["seconds"] > 0
    assert not tmp_path.exists() or not any(tmp_path.iterdir())


def test_rows_made_elsewhere_are_taken_in_without_training(command, made_up_sweep, tmp_path):
    rows = [("mine", width, 0.9 * width**-0.4) for width in (4, 8, 16, 32)]
    pd.DataFrame(rows, columns=["model", "width", "error"]).to_csv(tmp_path / "mine.csv", index=False)

    outcome = command("sweep", "--import", tmp_path / "mine.csv", "--name", "theirs", "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    assert "4 rows of mine.csv taken into " in " ".join(outcome.err.split())
    assert "Error falls as width^-0.40" in " ".join(outcome.out.split())
    assert made_up_sweep == []


def test_imported_rows_are_trials_of_the_sweep_that_is_asked_for(command, tmp_path):
    rows = [("lenet", width, 0.8 * width**-0.5) for width in (2, 4, 8)]
    pd.DataFrame(rows, columns=["model", "width", "error"]).to_csv(tmp_path / "theirs.csv", index=False)
    words = ("--import", tmp_path / "theirs.csv", "--model", "lenet", "--widths", "2,4,8")

    outcome = command("sweep", *words, "--limit", 100, "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    assert "; 0 MACs of training to do" in " ".join(outcome.err.split())
    assert "3 of 3 trials as before" in outcome.err
    assert "Error falls as width^-0.50" in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--equal-macs",), "--equal-macs goes with one --model and with --ratios"),
        (("--model", "vgg99"), "There is no model 'vgg99'"),
        (("--widths", "0"), "Setting widths.0: input should be greater than 0; received '0'."),
        (("--address", "auto"), "The address 'auto' is for engine='ray'."),
    ],
)
def test_bad_input_is_one_line(words, said, command, tmp_path):
    outcome = command("sweep", *words, "--limit", 100, "--sweeps-dir", tmp_path)

    assert outcome.code == 1
    assert said in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_the_table_fits_the_terminal(columns, command, made_up_sweep, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    words = ("--model", "lenet,vgg6", "--measure", "filters", "--sweeps-dir", tmp_path)

    outcome = command("sweep", *WORDS, *words)

    heads, *rows = outcome.out.split("\n\n")[0].splitlines()
    assert len(rows) == 8
    assert max(map(len, [heads, *rows])) <= columns
    assert "…" not in outcome.out
    assert {"width", "error"} <= set(heads.split())


def test_a_sweep_for_real(command, tmp_path):
    words = ("--model", "lenet", "--widths", "1,4", "--limit", 100, "--epochs", 1, "--measure", "filters")

    outcome = command("sweep", *words, "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    rows = pd.read_csv(tmp_path / "digits-lenet" / "trials.csv")
    assert rows["width"].tolist() == [1, 4]
    assert rows["status"].tolist() == ["done", "done"]
    assert rows[["error", "noise", "snr"]].notna().all(axis=None)


def test_each_picture_of_a_sweep_can_be_drawn_later(command, made_up_sweep, tmp_path):
    command("sweep", *WORDS, "--sweeps-dir", tmp_path)

    drawn = command("plot", tmp_path / "digits-lenet", "error-width", "-o", tmp_path / "law.svg")
    missing = command("plot", tmp_path / "digits-lenet", "label-law")

    assert drawn.code == 0, drawn.err
    assert (tmp_path / "law.svg").stat().st_size > 10_000
    assert missing.code == 1
    assert missing.err == "Error: All trials of the sweep have the same number of labels: give --label-counts.\n"


def test_a_picture_of_no_sweep_is_one_line(command, tmp_path):
    outcome = command("plot", tmp_path, "error-width")

    assert outcome.code == 1
    assert outcome.err.endswith("holds no sweep that measured trials.\n")
