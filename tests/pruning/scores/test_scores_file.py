"""Any table with layer, filter and a number is a rule."""

import json

import pytest

from fm_keras.pruning import load_scores
from fm_keras.pruning.scores.scores_file import is_scores_file

ROWS = "layer,filter,score,quality\nconv,0,1.5,0.1\nconv,1,2,0.2\nblock/conv,0,-3,0.3\n"
UNITS = [("conv", 0), ("conv", 1), ("block/conv", 0)]


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(ROWS)
    return path


def test_scores_are_in_the_column_of_that_name_or_in_one_behind_a_colon(csv):
    found, quality = load_scores(csv), load_scores(f"{csv}:quality")
    assert list(found.index) == list(quality.index) == UNITS
    assert found.index.names == ["layer", "filter"]
    assert (found.tolist(), quality.tolist()) == ([1.5, 2, -3], [0.1, 0.2, 0.3])
    assert (found.name, quality.name) == ("score", "quality")


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"answer": "text", "filters": rows}])
def test_json_holds_rows_alone_or_as_the_filters_of_a_document(tmp_path, wrap):
    path = tmp_path / "quality.json"
    rows = [{"layer": layer, "filter": unit, "quality": 0.5} for layer, unit in UNITS]
    path.write_text(json.dumps(wrap(rows)))
    assert list(load_scores(f"{path}:quality").index) == UNITS


def test_names_of_files_are_told_from_names_of_rules():
    assert is_scores_file("my/scores.csv") and is_scores_file("a.json:quality") and is_scores_file("A.CSV")
    assert not is_scores_file("kernel_l1") and not is_scores_file("csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("layer,filter\nconv,0\n", "has no column 'score', but layer, filter. Scores are in the column score, or in"),
        ("layer,score\nconv,0\n", "has no column 'filter', but layer, score."),
        ("layer,filter,score\nconv,0,\n", "has no number for filter 0 of 'conv': nan."),
        ("layer,filter,score\nconv,first,1\n", "has no number for filter first of 'conv': "),
        ("layer,filter,score\nconv,0.5,1\n", "has no number for filter 0.5 of 'conv': "),
        ("", "is no table of scores: No columns to parse from file."),
    ],
)
def test_files_that_hold_no_scores_are_named(tmp_path, message_of, content, message):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert message_of(load_scores, path).startswith(f"{path} {message}")


def test_missing_files_and_broken_documents_are_named(tmp_path, message_of):
    missing, broken = tmp_path / "no.csv", tmp_path / "broken.json"
    broken.write_text("{")
    assert message_of(load_scores, missing).startswith(f"{missing}: No such file or directory.")
    assert message_of(load_scores, broken).startswith(f"{broken} is no table of scores: Expecting")
