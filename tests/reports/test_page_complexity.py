import json

import numpy as np
import pandas as pd
import pytest

from fm_keras.complexity import MEASURES
from fm_keras.reports.html import report_page
from fm_keras.reports.origin import Origin
from fm_keras.reports.page_complexity import page_complexity
from fm_keras.runs import COMPLEXITY, TRAIN


@pytest.fixture
def table():
    frame = pd.DataFrame({"layer": ["input", "conv1", "conv3"], "points": 50, "n2": [np.inf, 0.9, 0.8]})
    frame = frame.assign(n1=[0.8, 0.5, 0.3], f1=[0.9, np.nan, 0.7])
    return frame.assign(n1_low=frame["n1"] - 0.1, n1_high=frame["n1"] + 0.1, failed="")


def test_the_page_holds_every_measure_with_its_intervals_and_its_meaning(table):
    found = page_complexity(table)

    assert (found["images"], found["layers"]) == ("50 images", ["input", "conv1", "conv3"])
    n1, n2, f1 = found["measures"]
    assert (n1["values"], n1["low"], n1["high"]) == ([0.8, 0.5, 0.3], [0.7, 0.4, 0.2], [0.9, 0.6, 0.4])
    assert "low" not in f1 and (n1["meaning"], n1["what"]) == (MEASURES["n1"].meaning, MEASURES["n1"].what)
    assert (n2["values"][0], f1["values"][1]) == ("∞", None)
    json.dumps(found, allow_nan=False)


def test_the_section_is_there_only_where_complexity_was_measured(table, made_up):
    with_it = report_page(made_up(), origin=Origin("mine", "fm-keras show mine", complexity=table))
    without = report_page(made_up(), origin=Origin("mine", "fm-keras show mine"))

    assert 'id="complexity-title"' in with_it and MEASURES["n2"].what in with_it
    assert 'id="complexity-title"' not in without
    assert page_complexity(None) is None


def test_a_run_brings_its_complexity_along(run, table):
    with run.stage(TRAIN, {}, {}) as stage:
        pd.DataFrame({"epoch": [1], "val_accuracy": [0.5]}).to_csv(stage.history, index=False)
    assert Origin.of(run).complexity is None

    with run.stage(COMPLEXITY, {}, {}) as stage:
        table.to_csv(stage.layers, index=False)
    assert page_complexity(Origin.of(run).complexity) == page_complexity(table)
