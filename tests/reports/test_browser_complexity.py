"""The complexity section of the report page in a real browser."""

import pandas as pd

from fm_keras.reports.html import write_report
from fm_keras.reports.origin import Origin


def test_curves_of_complexity_follow_the_chosen_layer_and_choose_one(chromium, browse, made_up, tmp_path):
    analysis = made_up(layers=("conv1", "block/conv2", "conv3"))
    chromium.get_log("browser")
    table = pd.DataFrame(
        {"layer": ["input", "conv1", "block/conv2", "conv3"], "points": 50, "n1": [0.9, 0.7, 0.5, 0.3]}
    )
    table = table.assign(n1_low=table["n1"] - 0.05, n1_high=table["n1"] + 0.05, failed="")
    origin = Origin("mine", "fm-keras show mine", complexity=table)
    page = browse(write_report(analysis, tmp_path / "complexity.html", origin=origin)).open("#conv3")

    assert len(page.all("#complexity .card")) == 1
    assert page.text("#complexity .tick.own") == "conv3"
    page.run("document.querySelectorAll('#complexity .target')[1].dispatchEvent(new Event('click'))")
    assert page.hash.startswith("#conv1/")
    assert page.text("#complexity .tick.own") == "conv1"
    page.run("document.querySelectorAll('#complexity .target')[0].dispatchEvent(new Event('click'))")
    assert page.hash.startswith("#conv1/")
    assert chromium.get_log("browser") == []
