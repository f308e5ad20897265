import pandas as pd
import pytest

from fm_keras.reports.stability import THRESHOLDS, threshold_stability


def test_at_the_threshold_of_the_analysis_all_measures_are_its_own(made_up):
    analysis = made_up(both=False)

    found = threshold_stability(analysis)

    own = found[found["threshold"] == 0.3].drop(columns="threshold").reset_index(drop=True)
    expected = analysis.layers().drop(columns=["units", "positions", "accuracy"])
    pd.testing.assert_frame_equal(own, expected)


def test_a_higher_threshold_never_adds_ones(made_up):
    found = threshold_stability(made_up())

    for _, layer in found.groupby("layer"):
        assert layer["threshold"].tolist() == list(THRESHOLDS)
        assert layer["signal"].is_monotonic_decreasing
        ones = layer["signal"] + layer["signal"] * 9 / layer["snr"]  # external and internal noise are all the others
        assert (ones.diff().dropna() <= 1e-9).all()


def test_blocks_of_filters_give_what_all_filters_at_once_give(made_up, monkeypatch):
    analysis = made_up(both=False)
    whole = threshold_stability(analysis, [0.2, 0.5])

    monkeypatch.setattr("fm_keras.analysis.nouns._BLOCK_BYTES", 4 * 10**2 * 5)

    pd.testing.assert_frame_equal(threshold_stability(analysis, [0.2, 0.5]), whole)


@pytest.mark.parametrize(
    ("thresholds", "message"), [([], "thresholds is empty"), ([0.3, 1.0], "threshold is 1.0; it is a share")]
)
def test_thresholds_that_are_none_are_refused(made_up, message_of, thresholds, message):
    assert message in message_of(threshold_stability, made_up(both=False), thresholds)
