import pandas as pd
import pytest

from fm_keras.scaling import import_rows, read_sweep


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
        ({**GOOD, "model": ["a", "a"], "width": [2, 2]}, "row 2: trial is 'a-w2-s0'; another name"),
        ({**GOOD, "status": ["failed"] * 2}, "holds no rows with results"),
    ],
)
def test_a_table_that_is_not_one_is_refused_with_its_row(csv, to, message_of, columns, why):
    assert why in message_of(import_rows, csv(**columns), to)
    assert not to.exists()


def test_a_missing_file_is_one_line(tmp_path, to, message_of):
    assert "cannot be read as CSV" in message_of(import_rows, tmp_path / "none.csv", to)
