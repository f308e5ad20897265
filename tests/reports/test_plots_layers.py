import dataclasses

import numpy as np
import pandas as pd
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.reports import plots
from fm_keras.reports.plots.course import quartiles


def titled(figure, title):
    (axes,) = (axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))
    return axes


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


def with_snr(analysis, snr):
    """The analysis with this SNR for every filter of its first layer."""
    first, *others = analysis
    changed = dataclasses.replace(first, table=first.table.assign(snr=snr))
    return dataclasses.replace(analysis, measured=(changed, *others))


@pytest.mark.parametrize(
    ("title", "column"),
    [("accuracy", "accuracy"), ("noise", "noise"), ("labels of", "cluster_size"), ("clusters", "n_clusters")],
)
def test_the_lines_are_the_columns_of_the_layer_table(title, column, made_up):
    analysis = made_up()

    axes = titled(plots.depth_curves(analysis), title)

    np.testing.assert_allclose(axes.lines[0].get_ydata(), analysis.layers()[column])


def test_the_band_is_that_of_the_quartiles_and_the_caption_says_so(made_up):
    analysis = made_up()

    figure = plots.depth_curves(analysis)

    (band,) = titled(figure, "noise").collections
    corners = band.get_paths()[0].vertices
    noise = [filters.table["external_noise"] for filters in analysis]
    for place, values in enumerate(noise):
        inside = corners[corners[:, 0] == place, 1]
        assert {inside.min(), inside.max()} == set(np.quantile(values, [0.25, 0.75], method="inverted_cdf"))
    assert "Band: the middle half of a layer's filters" in words(figure)


def test_without_probes_and_quality_their_panels_are_left_out(made_up):
    network = made_up().network

    assert len([axes for axes in plots.depth_curves(network).axes if axes.lines]) == 5
    assert len([axes for axes in plots.depth_curves(made_up(both=False)).axes if axes.lines]) == 5


def test_an_infinite_snr_lies_at_the_upper_edge_and_is_said(made_up, tmp_path):
    figure = plots.depth_curves(with_snr(made_up(), np.inf))
    axes = titled(figure, "SNR")
    plots.save(figure, tmp_path / "depth.png")

    assert axes.get_title(loc="right") == "at the upper edge: ∞"
    assert np.isfinite(axes.get_ylim()).all()


def test_quartiles_of_infinite_values_are_values_and_of_none_are_nan():
    low, high = quartiles([np.array([1, np.inf, np.inf, np.inf]), np.array([])])

    assert (low[0], high[0]) == (1, np.inf)
    assert np.isnan([low[1], high[1]]).all()


def test_a_single_layer_is_drawn_too(made_up, tmp_path):
    analysis = made_up(layers=("conv",))

    for name, draw in (("depth", plots.depth_curves), ("worth", plots.quality_by_depth)):
        plots.save(draw(analysis), tmp_path / f"{name}.png")


def test_the_shares_of_labels_are_those_of_the_clusters(made_up):
    analysis = made_up()

    figure = plots.label_homogeneity(analysis)

    expected = [(filters.cluster_of >= 0).mean(axis=0) for filters in analysis]
    np.testing.assert_allclose(np.asarray(figure.axes[0].images[0].get_array()), expected)
    np.testing.assert_allclose(figure.axes[1].lines[0].get_xdata(), analysis.layers()["label_cv"])


def test_of_many_labels_those_that_most_and_fewest_filters_hold_are_shown(made_up):
    analysis = made_up(labels=300, layers=("conv",), units=50)
    often = (analysis["conv"].cluster_of >= 0).mean(axis=0)

    figure = plots.label_homogeneity(analysis)

    shown = np.asarray(figure.axes[0].images[0].get_array())[0]
    assert sorted(shown) == sorted([*np.sort(often)[:50], *np.sort(often)[-50:]])
    assert "of 300" in words(figure)


def test_the_histograms_hold_all_clusters(made_up):
    analysis = made_up()

    figure = plots.cluster_sizes(analysis)

    for axes, filters in zip(figure.axes, analysis):
        sizes = np.concatenate(filters.table["cluster_sizes"].to_numpy())
        heights = [patch.get_height() for patch in axes.patches]
        np.testing.assert_allclose(heights[:3], [(sizes == size).mean() for size in (1, 2, 3)])
        assert sum(heights) == pytest.approx(1)


def test_of_many_layers_the_histograms_of_some_are_shown_and_that_is_said(made_up):
    figure = plots.cluster_sizes(made_up(layers=[f"layer{number}" for number in range(60)], units=2))

    titles = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes]
    assert (titles[0], titles[-1], len(titles)) == ("layer0", "layer59", 24)
    assert "Shown are 24 of 60 layers" in words(figure)


def test_the_training_shows_both_splits_and_the_accuracy_that_was_reached():
    history = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.1, 0.2], "val_accuracy": [0.3, 0.456]})

    figure = plots.training_history(history)

    assert figure.get_label() == "Training: 2 epochs, test accuracy 0.456"
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[0.1, 0.2], [0.3, 0.456]]


@pytest.mark.parametrize("history", [pd.DataFrame({"epoch": [], "loss": []}), pd.DataFrame({"loss": [1.0]})])
def test_a_history_without_epochs_is_refused(history):
    with pytest.raises(InvalidInput, match="it must have epoch, and accuracy or loss"):
        plots.training_history(history)
