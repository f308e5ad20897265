"""The law of labels: line and power of what was found for each number of labels."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.scaling.labels import label_laws, label_table

COUNTS = np.array([3, 5, 7, 10])


def rows(**measures):
    """Two seeds for each number of labels; the second is off by a tenth."""
    made = [
        {"model": "vgg6", "labels": count, "seed": seed, "status": "done"}
        | {name: values[place] * (1 - 0.1 * seed) for name, values in measures.items()}
        for place, count in enumerate(COUNTS)
        for seed in (0, 1)
    ]
    return pd.DataFrame(made)


def test_the_maximal_error_is_that_of_the_worst_seed_and_measures_are_means():
    table = label_table(rows(error=0.02 * COUNTS, n_clusters=np.ones(4), snr=np.full(4, 3.0)))

    assert list(table) == ["labels", "seeds", "error", "mean_error", "n_clusters", "snr"]
    assert list(table["error"]) == pytest.approx(list(0.02 * COUNTS))
    assert list(table["mean_error"]) == pytest.approx(list(0.019 * COUNTS))
    assert set(table["seeds"]) == {2}
    assert list(table["snr"]) == pytest.approx([2.85] * 4)


def test_a_line_through_the_origin_has_its_slope_and_exponent_1():
    law = label_laws(label_table(rows(error=0.02 * COUNTS))).iloc[0]

    assert law["slope"] == pytest.approx(0.02)
    assert law["intercept"] == pytest.approx(0, abs=1e-12)
    assert law["exponent"] == pytest.approx(1)
    assert law["r2"] == pytest.approx(1)
    assert law["why_not"] == ""


def test_a_power_is_found_and_fits_better_than_a_line():
    law = label_laws(label_table(rows(error=0.01 * COUNTS**2.0))).iloc[0]

    assert law["exponent"] == pytest.approx(2)
    assert law["factor"] == pytest.approx(0.01)
    assert law["power_r2"] > law["r2"]


def test_what_is_constant_has_slope_and_exponent_0():
    laws = label_laws(label_table(rows(error=0.02 * COUNTS, n_clusters=np.full(4, 1.2)))).set_index("measure")

    assert laws.loc["n_clusters", "slope"] == pytest.approx(0, abs=1e-12)
    assert laws.loc["n_clusters", "exponent"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("value", [0.1, 1.1, 1.0])
def test_what_is_exactly_constant_has_intervals_of_0_alone_and_is_all_explained(value):
    table = pd.DataFrame({"labels": [3, 4, 6, 8, 10], "n_clusters": value * (1 + 1e-16 * np.array([0, 2, 0, 2, 2]))})
    law = label_laws(table).iloc[0]

    assert list(law[["slope", "slope_low", "slope_high", "exponent", "exponent_low", "exponent_high"]]) == [0] * 6
    assert list(law[["r2", "power_r2"]]) == [1, 1]
    assert list(law[["intercept", "factor"]]) == pytest.approx([value, value])


def test_the_interval_of_the_slope_holds_the_truth_at_its_rate(rng):
    held = 0
    for _ in range(300):
        table = pd.DataFrame({"labels": COUNTS, "error": 0.1 + 0.02 * COUNTS + rng.normal(0, 0.01, 4)})
        law = label_laws(table).iloc[0]
        held += law["slope_low"] <= 0.02 <= law["slope_high"]
    assert 0.91 <= held / 300 <= 0.99


def test_an_infinite_snr_is_left_out_and_too_few_say_so():
    found = label_table(rows(error=0.02 * COUNTS, snr=[np.inf, np.inf, 4.0, 3.0]))

    assert "SNR is finite at 2 numbers of labels alone." in label_laws(found).set_index("measure").loc["snr", "why_not"]


def test_an_error_of_0_has_a_line_and_no_power():
    law = label_laws(label_table(rows(error=[0, 0, 0.02, 0.05]))).iloc[0]

    assert np.isfinite(law["slope"])
    assert law["why_not"] == "No power of K: maximal error is 0 at 2 numbers of labels."


def test_two_numbers_of_labels_are_too_few(message_of):
    found = label_table(rows(error=0.02 * COUNTS)).head(2)

    assert message_of(label_laws, found) == "The law of labels needs 3 numbers of labels; the sweep has 2."
