import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import FilterView, analyze
from fm_keras.analysis.view import short_names
from fm_keras.errors import InvalidInput
from fm_keras.filters import find_clusters, measure_filters
from fm_keras.settings import ProbeSettings


def view_of(above, names=None, **quality):
    """A filter whose field is one where it is above the threshold."""
    cluster_of = find_clusters(above[None])
    row = measure_filters(above[None], cluster_of, above[None].astype(float)).iloc[0]
    names = tuple(names or (f"label {number}" for number in range(len(above))))
    row = pd.concat([row, pd.Series(quality, dtype=object)])
    return FilterView("conv", 3, 64, names, above.astype(float), above, cluster_of[0], row, 0.3, "probe fields")


@pytest.fixture
def above():
    """Clusters {1, 4} and {2}; noise at (0, 4), (3, 4) and (3, 1)."""
    above = np.zeros((5, 5), bool)
    above[np.ix_([1, 4], [1, 4])] = above[2, 2] = above[0, 4] = above[3, 4] = above[3, 1] = True
    return above


def test_a_filter_is_its_row_of_the_table_and_its_part_of_the_arrays(network, blobs):
    analysis = analyze(network, blobs, probe=ProbeSettings(epochs=1, batch_size=16))
    filters = analysis["hidden"]

    view = analysis.filter("hidden", 2)

    np.testing.assert_array_equal(view.field, filters.fields[2])
    np.testing.assert_array_equal(view.above, filters.above[2])
    np.testing.assert_array_equal(view.cluster_of, filters.cluster_of[2])
    assert view.noise.sum() == view.row.external_noise == filters.table["external_noise"][2]


@pytest.mark.parametrize("number", [7, -1])
def test_a_filter_that_is_not_there_is_refused(number, network, blobs):
    analysis = analyze(network, blobs, probe=ProbeSettings(epochs=1, batch_size=16))

    with pytest.raises(InvalidInput, match=f"hidden has filters 0 to 6; there is no {number}"):
        analysis.filter("hidden", number)


def test_in_its_order_clusters_are_blocks_and_noise_comes_before_silence(above):
    assert view_of(above).order.tolist() == [1, 4, 2, 3, 0]


def test_it_says_in_words_what_it_picks_and_what_it_costs(above):
    view = view_of(above, ("cat", "dog", "ship", "car", "deer"), quality=0.012, quality_low=0.009, quality_high=0.015)

    assert view.title == "conv, filter 3 of 64: clusters {dog, deer} {ship}"
    assert view.said == "3 noise elements, SNR 2.40, costs 0.0120 nats to lose (0.00900 to 0.0150)"


def test_many_labels_are_named_up_to_a_limit(above):
    view = view_of(np.eye(20, dtype=bool))

    assert view.clusters(2) == "{label 0} {label 1} and 18 labels more"
    assert view_of(np.ones((5, 5), bool)).clusters(2) == "{label 0, label 1, …} and 3 labels more"


def test_what_is_left_out_is_said(above):
    view = view_of(above)

    assert view.left_out(view.order) == ""
    assert view.left_out(view.order[:3]).endswith("left out: 2 labels with 3 noise elements.")
    assert view.left_out(view.order[:2]).endswith(
        "left out: 3 labels with 3 noise elements, 1 label of clusters among them."
    )


def test_names_are_cut_and_told_apart_by_number():
    names = ["cat\n", "a name of some length", "a name of some lines", " "]

    assert short_names(names, 12) == ["cat", "a name… #1", "a name… #2", "#3"]
