"""Pictures of sweeps: depth ratios at equal cost, the law of labels."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.reports.plots import depth_ratio, label_law


@pytest.fixture
def ratios():
    made = [
        {"model": "lenet", "macs": macs, "ratio": ratio, "width": 8, "seeds": 3, "error": error, "spread": 0.01}
        for macs in (1e6, 4e6)
        for ratio, error in ((1.0, 0.4), (8 / 3, 0.3), (6.0, 0.35))
    ]
    return pd.DataFrame(made)


@pytest.fixture
def labels():
    counts = np.array([3, 5, 10])
    table = pd.DataFrame({"labels": counts, "seeds": 2, "error": 0.02 * counts, "snr": [np.inf, 3.0, 2.0]})
    laws = pd.DataFrame(
        [{"measure": "error", "intercept": 0.0, "slope": 0.02, "factor": 0.02, "exponent": 1.0}, {"measure": "snr"}]
    )
    return table, laws


def test_each_cost_has_a_line_over_its_ratios(ratios):
    (axes,) = depth_ratio(ratios, "digits").axes

    assert [list(line.get_ydata()) for line, *_ in axes.containers] == [[0.4, 0.3, 0.35]] * 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["lenet, 1.00 M MACs", "lenet, 4.00 M MACs"]


def test_ratios_of_one_seed_are_drawn_without_bars(ratios):
    assert depth_ratio(ratios.assign(spread=np.nan), "digits").axes


def test_no_two_ratios_of_one_cost_are_one_line(ratios, message_of):
    assert "--equal-macs" in message_of(depth_ratio, ratios.head(0), "digits")


def test_each_measure_has_a_panel_with_its_points_and_fits(labels):
    error, snr = label_law(*labels, "digits").axes

    assert error.get_title(loc="left") == "maximal error"
    assert [len(line.get_xdata()) for line in error.lines] == [100, 100, 3]
    assert list(error.lines[-1].get_ydata()) == pytest.approx([0.06, 0.1, 0.2])
    assert len(snr.lines) == 1


def test_without_laws_the_points_alone_are_drawn(labels):
    table, laws = labels
    error, _ = label_law(table, laws.head(0), "digits").axes

    assert len(error.lines) == 1
