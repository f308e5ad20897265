import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from fm_keras.reports.compare import compare
from fm_keras.reports.compare_plots import comparison_curves
from fm_keras.reports.stability import threshold_stability
from fm_keras.reports.stability_plots import interval_curves, threshold_curves


def test_every_network_is_a_line_through_its_values_and_the_first_is_among_them(made_up):
    analyses = {name: made_up(both=False) for name in ("a", "b", "<c> $x$")}

    panels = comparison_curves(compare(analyses)).axes

    for axes, measure in zip(panels, ("accuracy", "snr", "noise", "n_clusters", "cluster_size")):
        assert [line.get_label() for line in axes.get_lines()] == list(analyses)
        for line, analysis in zip(axes.get_lines(), analyses.values()):
            assert line.get_ydata() == pytest.approx(analysis.layers()[measure].to_numpy())
    assert len(panels[5].get_lines()) == 4  # two networks, each with what chance gives


def test_network_fields_have_no_panel_of_accuracies(made_up):
    network = made_up().network

    panels = comparison_curves(compare({"a": network, "b": network})).axes

    assert next(axes.get_title(loc="left") for axes in panels if axes.axison) == "SNR"


@pytest.mark.parametrize("layers", [("only",), tuple(f"block{number}/conv" for number in range(30))])
def test_thresholds_are_drawn_for_one_layer_and_for_many(made_up, layers):
    analysis = made_up(layers=layers, units=3, both=False)
    found = threshold_stability(analysis)

    panels = threshold_curves(found, analysis).axes

    first = found[found["layer"] == layers[0]]
    assert len(panels[1].get_lines()) == len(layers) + 1
    assert panels[1].get_lines()[0].get_ydata().tolist() == first["noise"].tolist()
    assert panels[1].get_lines()[-1].get_xdata() == [0.3, 0.3]


def test_intervals_are_bars_around_the_values(made_up):
    analysis = made_up(both=False)
    rows = [
        {"layer": each.layer, **{f"{name}{end}": value for name in ("accuracy", "snr", "noise") for end, value in ends}}
        for each, ends in zip(analysis, [(("", 0.5), ("_low", 0.4), ("_high", 0.7))] * 3)
    ]

    panels = interval_curves(pd.DataFrame(rows), analysis).axes

    for axes in panels:
        assert axes.get_lines()[0].get_ydata().tolist() == [0.5] * 3
        assert np.array(axes.collections[0].get_segments())[:, :, 1].tolist() == [[0.4, 0.7]] * 3
