"""fm-keras sweep --build: networks of the user's own, some of which cannot be built or counted."""

import sys

import pytest

WIDTHS = ("--widths", "2,4,8,16", "--seeds", "0,1", "--epochs", 2, "--limit", 200)
PICKY = """
import keras
from keras import layers


def picky(width):
    if width == 4:
        raise ValueError("no net of width 4")
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(width), layers.Dense(10)])


class Mixing(layers.Layer):
    def build(self, shape):
        self.matrix = self.add_weight(shape=(shape[-1], 3))

    def call(self, x):
        return keras.ops.matmul(x, self.matrix)


def hiding(width):
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), Mixing(), layers.Dense(10)])
"""


@pytest.fixture
def build(command, tmp_path, monkeypatch):
    """A sweep of networks of the user's own, in a module of the current folder."""
    (tmp_path / "mynets.py").write_text(PICKY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", sys.path[:])
    monkeypatch.delitem(sys.modules, "mynets", raising=False)
    return lambda function, *more: command("sweep", "--build", f"mynets:{function}", *WIDTHS, *more)


def test_a_width_that_cannot_be_built_is_said_and_the_others_are_planned(build, made_up_sweep):
    outcome = build("picky")
    planned = build("picky", "--plan", "--name", "another")

    assert outcome.code == planned.code == 0, outcome.err + planned.err
    assert "picky cannot be built with width 4: ValueError: no net of width 4\n" in outcome.err
    assert len(made_up_sweep) == 8
    assert "picky cannot be built with width 4: ValueError: no net of width 4." in " ".join(planned.out.split())
    cells = [line.split() for line in planned.out.splitlines()[1:5]]
    assert [line[0] for line in cells] == ["2", "4", "8", "16"]
    assert cells[1][1:3] == ["-", "-"]
    assert "at least" not in planned.out


def test_a_network_of_unknown_cost_is_trained_without_it(build, made_up_sweep):
    outcome = build("hiding")
    planned = build("hiding", "--plan", "--name", "another")

    assert outcome.code == planned.code == 0, outcome.err + planned.err
    assert "MACs of the training are not known" in " ".join(outcome.err.split())
    assert "MACs of the training are not known." in " ".join(planned.out.split())
    assert "- MACs" in outcome.err
