import numpy as np
import pandas as pd
import pytest

from fm_keras.reports import plots


@pytest.fixture
def table():
    """Three layers; n1 with an interval, f1 without an answer in the last one."""
    frame = pd.DataFrame({"layer": ["input", "conv", "fc"], "units": [0, 4, 5], "positions": "-", "width": 9})
    frame = frame.assign(points=50, n1=[0.8, 0.5, 0.3], f1=[0.9, 0.7, np.nan])
    return frame.assign(n1_low=frame["n1"] - 0.1, n1_high=frame["n1"] + 0.1, failed=["", "", "f1 failed"])


def curve(axes):
    return next(line.get_ydata() for line in axes.lines if line.get_marker() == "o")


def test_each_measure_has_a_panel_with_its_values_through_the_layers(table):
    picture = plots.complexity_curves(table, "made up")

    one, two = picture.axes
    assert (one.get_title(loc="left"), two.get_title(loc="left")) == ("n1", "f1")
    np.testing.assert_allclose(curve(one), table["n1"])
    np.testing.assert_allclose(curve(two), table["f1"])
    assert [label.get_text() for label in one.get_xticklabels()] == ["input", "conv", "fc"]


def test_the_band_is_the_interval(table):
    one, _ = plots.complexity_curves(table, "made up").axes

    (band,) = one.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.2, 0.9))


def test_one_measure_of_the_images_alone_can_be_drawn(table, tmp_path):
    plots.save(plots.complexity_curves(table[:1][["layer", "points", "n1", "failed"]], "made up"), tmp_path / "a.svg")

    assert (tmp_path / "a.svg").stat().st_size > 1000


def networks(table, **layers):
    """The table once for each network, with the names of its layers."""
    return pd.concat([table.assign(model=name, layer=names) for name, names in layers.items()])


def test_several_networks_are_lines_of_the_same_panels_named_in_a_legend(table):
    names = ["input", "conv", "fc"]
    picture = plots.complexity_curves(networks(table, one=names, two=names), "made up")

    one, two, legend = picture.axes
    assert [len(axes.lines) for axes in (one, two)] == [2, 2]
    assert [text.get_text() for text in legend.get_legend().get_texts()] == ["one", "two"]
    assert one.get_ylim()[0] == 0 and one.get_ylim()[1] > 0.9
    assert len({line.get_linestyle() + line.get_color() for line in one.lines}) == 2
    assert [label.get_text() for label in one.get_xticklabels()] == names


def test_networks_of_other_layers_are_drawn_by_their_share_of_the_depth(table):
    picture = plots.complexity_curves(networks(table, one=["input", "a", "b"], two=["input", "c", "d"]), "made up")

    for line in picture.axes[0].lines:
        np.testing.assert_allclose(line.get_xdata(), [0, 0.5, 1])


def test_networks_of_one_kind_are_drawn_as_their_mean_and_range(table):
    seeds = pd.concat([table.assign(n1=table["n1"] + shift, batch_norm=True) for shift in (-0.1, 0.1)])
    other = table.assign(batch_norm=False)

    picture = plots.complexity_curves(pd.concat([seeds, other]), "made up", by="batch_norm")

    one, *_, legend = picture.axes
    np.testing.assert_allclose(one.lines[0].get_ydata(), table["n1"])
    heights = one.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.2, 0.9))
    assert [text.get_text() for text in legend.get_legend().get_texts()] == ["batch norm", "no batch norm"]
