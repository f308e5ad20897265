import numpy as np
import pandas as pd
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.reports import plots


@pytest.fixture
def rows(rng):
    """A sweep of three rules at three shares, two steps."""
    found = [(rule, keep) for rule in ("kernel_l1", "greedy", "random") for keep in (0.75, 0.5, 0.25)]
    table = pd.DataFrame(found, columns=["rule", "keep"])
    return table.assign(
        macs=table["keep"] ** 2,
        whole=0.8,
        cut=rng.uniform(0.1, 0.7, 9),
        repaired=rng.uniform(0.6, 0.8, 9),
        **{"fine-tuned": np.nan},
    )


def lines_of(axes):
    return [line for line in axes.lines if line.get_marker() not in (None, "None")]


def test_each_step_that_was_taken_has_a_panel_with_a_line_for_each_rule(rows):
    cut, repaired, legend = plots.rule_sweep(rows, "made up").axes

    assert (cut.get_title(loc="left"), repaired.get_title(loc="left")) == ("after the cut", "after repair")
    for axes, step in ((cut, "cut"), (repaired, "repaired")):
        for line, (_, found) in zip(lines_of(axes), rows.groupby("rule", sort=False), strict=True):
            np.testing.assert_allclose(line.get_xdata(), found["macs"].iloc[::-1])
            np.testing.assert_allclose(line.get_ydata(), found[step].iloc[::-1])
    assert [text.get_text() for text in legend.get_legend().get_texts()] == ["kernel_l1", "greedy", "random"]


def test_a_rule_that_failed_at_one_share_keeps_the_others(rows):
    rows.loc[1, ["macs", "cut", "repaired"]] = np.nan
    cut, *_ = plots.rule_sweep(rows, "made up").axes
    assert [len(line.get_xdata()) for line in lines_of(cut)] == [2, 3, 3]


def test_no_two_of_24_rules_look_alike(rows):
    many = pd.concat([rows[rows["rule"] == "random"].assign(rule=f"rule {number}") for number in range(24)])
    cut, *_ = plots.rule_sweep(many, "made up").axes
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines_of(cut)}
    assert len(looks) == 24


@pytest.mark.parametrize("change", [lambda rows: rows.drop(columns="macs"), lambda rows: rows.iloc[:0]])
def test_what_is_no_sweep_is_refused(change, rows):
    with pytest.raises(InvalidInput, match=r"A sweep has the columns rule, macs, whole, and accuracies"):
        plots.rule_sweep(change(rows), "made up")


def test_the_picture_is_written(rows, tmp_path):
    plots.save(plots.rule_sweep(rows, "made up"), tmp_path / "sweep.svg")
    assert (tmp_path / "sweep.svg").read_text().count("greedy") >= 1
