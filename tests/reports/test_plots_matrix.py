import dataclasses
import time

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from fm_keras.errors import InvalidInput
from fm_keras.reports import plots


def image_of(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def names_on(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


def test_the_three_matrices_are_the_field_its_threshold_and_that_in_the_order_of_clusters(made_up):
    analysis = made_up()
    view = analysis.filter("conv3", 2)

    field, above, permuted = plots.filter_matrix(analysis, "conv3", 2).axes[:3]

    marks = view.above.astype(int) + view.noise
    np.testing.assert_array_equal(image_of(field), view.field)
    np.testing.assert_array_equal(image_of(above), marks)
    np.testing.assert_array_equal(image_of(permuted), marks[np.ix_(view.order, view.order)])


def test_labels_are_named_in_the_order_of_each_matrix(made_up):
    analysis = made_up()
    view = analysis.filter("conv3", 2)

    field, _, permuted, _ = plots.filter_matrix(analysis, "conv3", 2).axes

    assert names_on(field.xaxis) == names_on(field.yaxis) == list(analysis.label_names)
    assert names_on(permuted.yaxis) == [analysis.label_names[label] for label in view.order]


def test_every_noise_element_has_a_dot_and_every_cluster_a_frame(made_up):
    analysis = made_up()
    view = analysis.filter("conv1", 0)

    permuted = plots.filter_matrix(analysis, "conv1", 0).axes[2]

    (dots,) = (each for each in permuted.collections if len(each.get_offsets()) and "Path" in type(each).__name__)
    noise = view.noise[np.ix_(view.order, view.order)]
    np.testing.assert_array_equal(dots.get_offsets()[:, ::-1], np.argwhere(noise))
    frames = [patch for patch in permuted.patches if isinstance(patch, Rectangle)]
    assert sorted(frame.get_width() for frame in frames) == sorted(view.row.cluster_sizes)


def test_the_words_say_layer_filter_clusters_noise_snr_quality_and_what_was_measured(made_up):
    analysis = made_up()
    view = analysis.filter("conv3", 2)

    said = words(plots.filter_matrix(analysis, "conv3", 2))

    assert view.title in said
    assert f"{view.row.external_noise} noise element" in said
    assert "nats to lose (" in said
    assert "Probe fields over 1,000 test images of made up; threshold 0.3 of the largest element (" in said


def test_the_network_fields_of_the_same_filter_stand_beside_in_the_same_order(made_up):
    analysis = made_up()
    probe, network = analysis.filter("conv3", 2), analysis.network.filter("conv3", 2)
    order = np.ix_(probe.order, probe.order)

    figure = plots.field_pair(analysis, "conv3", 2)

    np.testing.assert_array_equal(image_of(figure.axes[0]), probe.field[order])
    np.testing.assert_array_equal(image_of(figure.axes[1]), network.field[order])
    np.testing.assert_array_equal(image_of(figure.axes[3]), (network.above.astype(int) + network.noise)[order])
    assert "Network fields over 1,000 test images" in words(figure)


def test_without_network_fields_it_says_how_to_measure_them(made_up):
    with pytest.raises(InvalidInput, match=r"holds probe fields alone.*--fields both"):
        plots.field_pair(made_up(both=False), "conv3", 2)


def test_a_dead_filter_is_all_grey_and_has_no_marks(made_up):
    analysis = made_up(layers=("conv",), units=1)
    (filters,) = analysis
    table = filters.table.assign(n_clusters=0, labels=[()], cluster_sizes=[()], external_noise=0, snr=0.0, dead=True)
    dead = dataclasses.replace(
        filters, held=-np.ones((1, 10, 10), np.float32), cluster_of=np.full((1, 10), -1), table=table
    )

    figure = plots.filter_matrix(dataclasses.replace(analysis, measured=(dead,)), "conv", 0)

    assert "conv, filter 0 of 1: dead" in words(figure)
    assert image_of(figure.axes[0]).max() < figure.axes[0].images[0].norm.vmin
    assert image_of(figure.axes[2]).max() == 0


def test_of_a_thousand_labels_it_shows_clusters_and_noise_first_says_what_is_left_out_and_takes_seconds(made_up):
    analysis = made_up(labels=1000, layers=("conv",), units=2)
    view = analysis.filter("conv", 1)
    start = time.perf_counter()

    figure = plots.filter_matrix(analysis, "conv", 1)
    figure.draw_without_rendering()

    assert time.perf_counter() - start < 30
    permuted = figure.axes[2] if image_of(figure.axes[2]).shape == (100, 100) else figure.axes[1]
    assert image_of(permuted).shape == (100, 100)
    assert "Shown are 100 of 1,000 labels, those of the clusters and the noisiest; left out: 900 labels" in words(
        figure
    )
    assert view.row.signal <= 100 or "labels of clusters among them" in words(figure)


@pytest.mark.parametrize(("layer", "number", "said"), [("conv9", 0, "conv9"), ("conv1", 12, "filters 0 to 11")])
def test_a_layer_or_filter_that_is_not_there_is_named(layer, number, said, made_up):
    with pytest.raises(InvalidInput, match=said):
        plots.filter_matrix(made_up(), layer, number)


def test_the_best_filters_by_quality_are_shown_first(made_up):
    analysis = made_up()
    best = analysis["conv1"].table.sort_values("quality", ascending=False)["filter"].head(3)

    figure = plots.layer_filters(analysis, "conv1", "quality", count=3)

    assert [int(title.split()[0]) for title in titles(figure) if title] == best.tolist()


def test_the_tiles_are_the_permuted_matrices(made_up):
    analysis = made_up()

    figure = plots.layer_filters(analysis, "conv1", count=2)

    for axes in figure.axes[:2]:
        view = analysis.filter("conv1", int(axes.get_title(loc="left").split()[0]))
        marks = (view.above.astype(int) + view.noise)[np.ix_(view.order, view.order)]
        np.testing.assert_array_equal(image_of(axes), marks)


def test_filters_of_a_label_hold_it_in_a_cluster(made_up):
    analysis = made_up()
    chosen = plots.choose_filters(analysis, "conv3", "label", label="label 4", count=100)

    assert sorted(chosen) == np.flatnonzero(analysis["conv3"].cluster_of[:, 4] >= 0).tolist()
    snr = analysis["conv3"].table["snr"][chosen].to_numpy()
    assert (snr[:-1] >= snr[1:]).all()


def test_a_label_that_no_filter_holds_is_said(made_up):
    analysis = made_up(layers=("conv",), units=2)
    free = np.flatnonzero((analysis["conv"].cluster_of < 0).all(axis=0))[0]

    figure = plots.layer_filters(analysis, "conv", "label", label=f"label {free}")

    assert f"no filter with a cluster that holds label {free}" in words(figure)


def test_a_random_choice_is_that_of_its_seed(made_up):
    analysis = made_up()
    choices = [plots.choose_filters(analysis, "conv1", "random", seed=seed, count=5) for seed in (1, 1, 2)]

    assert choices[0] == choices[1] != choices[2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "size"}, "chosen by quality, snr, label, random; received 'size'"),
        ({"by": "label", "label": "cat"}, "There is no label 'cat'"),
        ({"by": "label"}, "A label is given with by='label'"),
        ({"by": "snr", "count": 0}, "count is 0"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(options, said, made_up):
    with pytest.raises(InvalidInput, match=said):
        plots.choose_filters(made_up(), "conv1", **options)
