import pytest

from fm_keras.progress import Step
from fm_keras_cli.bars import Bars
from fm_keras_cli.terminal import Terminal


@pytest.fixture
def said(capsys):
    return lambda: [line.rsplit("  ", 1)[0] for line in capsys.readouterr().err.splitlines()]


def test_without_a_terminal_every_stage_is_a_line_when_it_is_over(said):
    with Bars(Terminal()) as bars:
        bars.expect({"measure": "13 layers in one pass", "filters": "528 filters"})
        for done in (1, 2):
            bars(Step("measure", done, 2))
        bars(Step("filters", 1, 1, "conv5_3"))

    assert said() == ["measure   13 layers in one pass", "filters   528 filters"]


def test_what_was_learned_stands_in_the_line(said):
    with Bars(Terminal()) as bars:
        bars.expect({"train": ""})
        bars(Step("train", 10, 10, "1/1 epochs, test accuracy 0.983"))

    assert said() == ["train     1/1 epochs, test accuracy 0.983"]


def test_quiet_shows_nothing(said):
    with Bars(Terminal(quiet=True)) as bars:
        bars.note("as before")
        bars(Step("train", 1, 1))

    assert said() == []
