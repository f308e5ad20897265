import math

import pandas as pd
import pytest

from fm_keras.analysis.answer import answer


def layers(*rows):
    names = [f"conv{number}" for number in range(1, len(rows) + 1)]
    return pd.DataFrame([{"layer": name, "n_clusters": 1.0, **row} for name, row in zip(names, rows)])


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ((21.4, 1.1), (5.9, 2.2), "falls from 21.4 to 5.90 and SNR doubles (1.10 to 2.20): filters become sharper"),
        ((17.2, 1.36), (4.8, 2.44), "SNR nearly doubles (1.36 to 2.44): filters become sharper"),
        ((20, 1), (5, 5), "falls from 20.0 to 5.00 and SNR rises 5-fold (1.00 to 5.00): filters become sharper"),
        ((20, 1.0), (15, 1.2), "SNR rises from 1.00 to 1.20: filters become sharper with depth."),
        ((5, 2), (20, 1), "rises from 5.00 to 20.0 and SNR falls from 2.00 to 1.00: filters do not become sharper"),
        ((5, 2), (5.1, 2), "stays at 5.10 and SNR stays at 2.00: filters do not become sharper"),
        ((20, 2), (5, 1), "falls from 20.0 to 5.00 and SNR falls from 2.00 to 1.00: no clear gain"),
        ((5, 2), (0, math.inf), "SNR rises from 2.00 to ∞: filters become sharper"),
    ],
)
def test_the_answer_says_what_came_out_good_or_bad(first, last, said):
    rows = [{"noise": noise, "snr": snr} for noise, snr in (first, last)]

    assert said in answer(layers(*rows))


def test_one_layer_is_described_by_itself():
    text = answer(layers({"noise": 3.0, "snr": 4.5}))

    assert text == "In conv1 a filter has 1.00 clusters and 3.00 noise elements on average; SNR is 4.50."
