import numpy as np
import pandas as pd
import pytest

from fm_keras.scaling import import_rows, plan_sweep, read_sweep, series_of
from fm_keras.settings import DataSettings, SweepSettings


@pytest.fixture
def csv(tmp_path):
    def write(**columns):
        path = tmp_path / "elsewhere.csv"
        pd.DataFrame(columns).to_csv(path, index=False)
        return path

    return write


def test_imported_rows_are_named_by_their_axes_and_marked(csv, to):
    rows = import_rows(csv(model=["lenet", "vgg6"], width=[2, 4], error=[0.5, 0.25], ratio=[16 / 6, None]), to)

    assert rows["trial"].tolist() == ["lenet-w2-r2.667-s0", "vgg6-w4-s0"]
    assert rows["status"].tolist() == ["imported"] * 2
    assert read_sweep(to)["error"].tolist() == [0.5, 0.25]
    assert read_sweep(to)["seed"].tolist() == [0, 0]


def test_a_sweep_does_not_run_what_was_imported(csv, to, run_sweep, planned):
    import_rows(csv(model=["lenet"], width=[2], error=[0.9], ratio=[16 / 6]), to)

    rows, told = run_sweep()

    assert planned.started == ["lenet-w4-r2.667-s0"]
    assert rows.loc["lenet-w2-r2.667-s0", ["error", "status"]].tolist() == [0.9, "imported"]
    assert told[0].kind == "kept"


def test_rows_that_leave_axes_open_are_the_trials_that_the_sweep_asks_for(csv, to, run_sweep, planned):
    import_rows(csv(model=["lenet"] * 3, width=[2, 4, 8], error=[0.5, 0.3, 0.2]), to)

    rows, told = run_sweep(widths=(2, 4, 8, 16))

    assert planned.started == ["lenet-w16-r2.667-s0"]
    assert rows.index.tolist() == [f"lenet-w{width}-r2.667-s0" for width in (2, 4, 8, 16)]
    assert [event.kind for event in told[:3]] == ["kept"] * 3
    assert list(series_of(rows.reset_index())) == ["lenet"]


@pytest.mark.parametrize("first", ["imported", "trained"])
def test_rows_of_other_widths_join_the_series(csv, to, run_sweep, first):
    file = csv(model=["vgg6"] * 3, width=[2, 4, 8], error=[0.5, 0.3, 0.2])
    how = {"widths": (1,), "settings": {"models": ("vgg6",)}}
    if first == "imported":
        import_rows(file, to)
        run_sweep(**how)
    else:
        run_sweep(**how)
        import_rows(file, to)

    rows = read_sweep(to)
    assert sorted(rows["trial"]) == ["vgg6-w1-s0", "vgg6-w2-s0", "vgg6-w4-s0", "vgg6-w8-s0"]
    ((name, series),) = series_of(rows).items()
    assert (name, sorted(series["width"])) == ("vgg6", [1, 2, 4, 8])


@pytest.mark.parametrize(
    "given",
    [
        {"labels": [10], "samples": [100]},
        {"labels": [10]},
        {"batch_norm": ["no"]},
        {"ratio": [2.667], "batch_norm": ["0"], "samples": [100]},
    ],
)
def test_what_is_as_usual_may_be_said(csv, to, run_sweep, planned, given):
    import_rows(csv(model=["lenet"], width=[2], error=[0.5], **given), to)

    rows, _ = run_sweep(widths=(2,))

    assert planned.started == []
    assert rows.index.tolist() == ["lenet-w2-r2.667-s0"]


def test_of_several_values_the_usual_one_is_meant(csv, to, run_sweep, planned):
    import_rows(csv(model=["vgg6"], width=[2], error=[0.5]), to)

    settings = {"models": ("vgg6",), "batch_norms": (True, False), "label_counts": (3, 10)}
    rows, _ = run_sweep(widths=(2,), settings=settings)

    assert len(planned.started) == 3
    assert rows.loc["vgg6-w2-s0", ["batch_norm", "labels", "status"]].tolist() == [True, 10, "imported"]


def test_what_is_otherwise_stays_a_trial_of_its_own(csv, to, run_sweep, planned):
    import_rows(csv(model=["lenet"] * 2, width=[2, 2], error=[0.5, 0.4], ratio=[1, None], labels=[10, 7]), to)

    rows, _ = run_sweep(widths=(2,))

    assert planned.started == ["lenet-w2-r2.667-s0"]
    assert rows["labels"].tolist() == [10, 7, 10]
    assert np.isnan(rows["samples"].iloc[1])


def test_a_row_keeps_the_name_that_it_was_given(csv, to, run_sweep):
    import_rows(csv(trial=["theirs"], model=["lenet"], width=[8], error=[0.5]), to)

    rows, _ = run_sweep()

    assert rows.loc["theirs", ["ratio", "batch_norm", "labels", "samples"]].tolist() == [16 / 6, False, 10, 100]


def test_a_plan_knows_imported_rows_by_the_names_that_they_get(csv, to):
    import_rows(csv(model=["lenet"], width=[2], error=[0.5]), to)

    plan = plan_sweep(DataSettings(limit=100), to=to, settings=SweepSettings(widths=(2, 4)))

    assert plan["status"].tolist() == ["imported", ""]
    assert read_sweep(to)["trial"].tolist() == ["lenet-w2-s0"]


def test_with_and_without_batch_norm_are_told_apart(csv, to):
    words = ["yes", "No", "true", "FALSE", "1", "0", None]
    rows = import_rows(csv(model=["a"] * 7, width=range(1, 8), error=[0.5] * 7, batch_norm=words), to)

    assert rows["batch_norm"].tolist()[:6] == [True, False] * 3
    assert [name.split("-")[2] for name in rows["trial"]] == ["bn", "nobn"] * 3 + ["s0"]


def test_the_table_of_another_sweep_can_be_imported_without_its_failures(run_sweep, planned, to, tmp_path):
    planned.shall({"lenet-w2-r2.667-s0": ["fail"]})
    made, _ = run_sweep()

    rows = import_rows(to / "trials.csv", tmp_path / "home")

    assert rows["trial"].tolist() == ["lenet-w4-r2.667-s0"]
    assert rows["error"].tolist() == [made["error"].iloc[1]]


def test_importing_twice_changes_nothing(csv, to):
    path = csv(model=["a", "b"], width=[2, 4], error=[0.5, 0.25])
    import_rows(path, to)
    once = read_sweep(to)
    import_rows(path, to)
    pd.testing.assert_frame_equal(read_sweep(to), once)


def test_a_row_of_its_own_is_not_written_over(csv, to, run_sweep, message_of):
    run_sweep(widths=(2,))
    path = csv(model=["a", "lenet"], width=[1, 2], error=[0.5, 0.9], ratio=[None, 16 / 6])

    assert f"{to} has a row of its own for lenet-w2-r2.667-s0" in message_of(import_rows, path, to)
    assert read_sweep(to)["error"].tolist() == [0.5]


GOOD = {"model": ["a", "b"], "width": [2, 4], "error": [0.5, 0.2]}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"model": ["a"], "width": [2]}, "has no column error. Rows need model, width, error"),
        ({**GOOD, "colour": ["red", "blue"]}, "has unknown columns colour"),
        ({**GOOD, "error": [0.5, 20.0]}, "row 2: error is 20; a share from 0 to 1 is needed."),
        ({**GOOD, "error": [0.5, None]}, "row 2: error is empty; a share from 0 to 1 is needed."),
        ({**GOOD, "width": [2.5, 4]}, "row 1: width is 2.5; a whole number is needed."),
        ({**GOOD, "width": [2, 0]}, "row 2: width is 0; a whole number from 1 is needed."),
        ({**GOOD, "labels": [2, 3.5]}, "row 2: labels is 3.5; a whole number is needed."),
        ({**GOOD, "macs": ["many", 4]}, "row 1: macs is 'many'; a number is needed."),
        ({**GOOD, "model": [None, "b"]}, "row 1: model is empty; a name is needed."),
        ({**GOOD, "model": ["a", "a"], "width": [2, 2]}, "rows 1 and 2 are both trial 'a-w2-s0'. Tell them"),
        ({**GOOD, "batch_norm": ["yes", "perhaps"]}, "row 2: batch_norm is 'perhaps'; yes or no is needed."),
        ({**GOOD, "status": ["failed"] * 2}, "holds no rows with results"),
    ],
)
def test_a_table_that_is_not_one_is_refused_with_its_row(csv, to, message_of, columns, why):
    assert why in message_of(import_rows, csv(**columns), to)
    assert not to.exists()


def test_a_missing_file_is_one_line(tmp_path, to, message_of):
    assert "cannot be read as CSV" in message_of(import_rows, tmp_path / "none.csv", to)
