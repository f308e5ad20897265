import json

import numpy as np
import pandas as pd
import pytest

from fm_keras_cli.terminal import Terminal, plain


def test_what_json_does_not_know_becomes_null_and_tables_become_rows():
    table = pd.DataFrame({"snr": [1.5, np.inf], "labels": [((0, 5), (2,)), ()]})

    document = plain({"table": table, "array": np.array([[1, 2]]), "nan": float("nan"), 3: np.float32(0.5)})

    assert document == {
        "table": [{"snr": 1.5, "labels": [[0, 5], [2]]}, {"snr": None, "labels": []}],
        "array": [[1, 2]],
        "nan": None,
        "3": 0.5,
    }


def test_with_json_stdout_holds_one_document_and_nothing_else(capsys):
    terminal = Terminal(as_json=True)

    terminal.hint("beside")
    terminal.result({"width": 8}, "as text")

    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"width": 8}
    assert captured.err == "beside\n"


def test_quiet_leaves_the_result_alone(capsys):
    terminal = Terminal(quiet=True)

    terminal.hint("beside")
    terminal.result({}, "as text")

    assert capsys.readouterr() == ("as text\n", "")


@pytest.mark.parametrize(("columns", "width"), [("20", 60), ("100", 100), ("500", 160)])
def test_the_width_stays_between_60_and_160(columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)

    assert Terminal().out.width == width


def test_colors_are_for_terminals_alone(capsys):
    from rich.text import Text

    Terminal().result({}, Text("blue", "blue"))

    assert capsys.readouterr().out == "blue\n"
