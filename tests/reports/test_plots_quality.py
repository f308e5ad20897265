import dataclasses

import numpy as np
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.reports import plots


def points_of(figure):
    """(filters, 2): SNR and quality as they are drawn."""
    scattered = [each for each in figure.axes[0].collections if type(each).__name__ == "PathCollection"]
    return np.concatenate([np.asarray(each.get_offsets()) for each in scattered])


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


def test_every_filter_is_a_point_at_its_snr_and_quality(made_up):
    analysis = made_up()
    table = analysis["conv1"].table

    points = points_of(plots.quality_against_snr(analysis, "conv1"))

    expected = table[["snr", "quality"]].to_numpy()
    np.testing.assert_allclose(points[np.lexsort(points.T)], expected[np.lexsort(expected.T)])


def test_the_legend_counts_the_filters_of_each_number_of_clusters(made_up):
    analysis = made_up()

    legend = plots.quality_against_snr(analysis).axes[0].get_legend()

    counts = [int(text.get_text().split("(")[1].strip(")")) for text in legend.get_texts()]
    assert sum(counts) == len(analysis.filters())


def test_filters_of_infinite_snr_lie_in_a_strip_to_the_right_of_all_others(made_up):
    analysis = made_up(layers=("conv",))
    table = analysis["conv"].table
    snr = np.where(np.arange(len(table)) < 3, np.inf, 5.0)
    changed = dataclasses.replace(analysis["conv"], table=table.assign(snr=snr))

    figure = plots.quality_against_snr(dataclasses.replace(analysis, measured=(changed,)))

    places = np.sort(points_of(figure)[:, 0])
    assert (places[:-3] == 5).all()
    assert (places[-3:] > 6).all()
    assert places[-1] < figure.axes[0].get_xlim()[1]
    assert "∞: no noise" in [text.get_text() for text in figure.axes[0].texts]


def test_no_point_or_interval_is_cut_off(made_up):
    analysis = made_up()
    table = analysis.filters()

    low, high = plots.quality_against_snr(analysis).axes[0].get_ylim()

    assert low <= table["quality_low"].min()
    assert high >= table["quality_high"].max()


def test_by_depth_the_bars_and_shares_are_those_of_the_layer_table(made_up):
    analysis = made_up()
    layers = analysis.layers()

    total, shares, single = plots.quality_by_depth(analysis).axes

    np.testing.assert_allclose([patch.get_height() for patch in total.patches], layers["quality"])
    around, below = (line.get_ydata() for line in shares.lines)
    np.testing.assert_allclose(around, layers["quality_around_zero"])
    np.testing.assert_allclose(below, layers["quality_below_zero"])
    medians = [filters.table["quality"].median() for filters in analysis]
    assert any(np.allclose(line.get_ydata(), medians) for line in single.lines if len(line.get_ydata()) == 3)


def test_the_loss_of_the_network_is_said_where_it_is_known(made_up):
    analysis = dataclasses.replace(made_up(), loss=0.4567)

    assert "loss of the whole network: 0.457 nats" in words(plots.quality_by_depth(analysis))


@pytest.mark.parametrize("draw", [plots.quality_against_snr, plots.quality_by_depth])
def test_without_quality_it_says_how_to_measure_it(draw, made_up):
    with pytest.raises(InvalidInput, match=r"has no quality, which needs network fields.*--fields both"):
        draw(made_up(both=False))
