from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.filters import find_clusters, measure_filters, threshold_fields
from fm_keras.reports.compare import MEASURES, compare
from fm_keras.settings import AnalysisSettings


def layer_of(name, fields, accuracy=0.5):
    """A layer that holds these fields."""
    fields = np.asarray(fields, np.float32)
    above = threshold_fields(fields)
    cluster_of = find_clusters(above)
    table = measure_filters(above, cluster_of, fields)
    return LayerFilters(name, "-", accuracy, None, None, cluster_of, table, 0.3, held=fields)


def analysis_of(*layers, labels=("cat", "dog", "ship"), **settings):
    return Analysis(labels, layers, "images", 10, AnalysisSettings(**settings), None)


@pytest.fixture
def pair():
    """Two filters, {cat, dog} and {ship}; in the other run {ship} comes first, and the other one has lost its dog."""
    cat_dog, cat, ship = np.zeros((3, 3, 3))
    cat_dog[:2, :2], cat[0, 0], cat[0, 1], ship[2, 2] = 1, 1, 0.9, 1
    first = analysis_of(layer_of("conv", [cat_dog, ship], accuracy=0.75))
    return {"first": first, "other": analysis_of(layer_of("conv", [ship, cat], accuracy=0.5))}


def test_matched_filters_say_which_labels_they_gained_and_lost(pair):
    filters = compare(pair).filters

    assert filters["partner"].tolist() == [1, 0]
    assert filters["labels"].tolist() == [((0, 1),), ((2,),)]
    assert filters["partner_labels"].tolist() == [((0,),), ((2,),)]
    assert filters["gained"].tolist() == [(), ()]
    assert filters["lost"].tolist() == [(1,), ()]
    assert filters["similarity"].tolist() == pytest.approx([1.9 / (2 * np.sqrt(1.81)), 1])


def test_layers_have_the_measures_of_both_and_their_difference(pair):
    (row,) = compare(pair).layers.to_dict("records")

    assert (row["run"], row["layer"], row["units"]) == ("other", "conv", 2)
    assert (row["accuracy"], row["accuracy_first"], row["accuracy_change"]) == (0.5, 0.75, -0.25)
    assert (row["signal_first"], row["signal"], row["signal_change"]) == (1.5, 1, -0.5)
    assert (row["noise_first"], row["noise"]) == (0, 0.5)
    assert (row["same_clusters"], row["labels_lost"], row["labels_gained"]) == (0.5, 0.5, 0)


def test_a_network_does_not_differ_from_itself(made_up):
    analysis = made_up()

    comparison = compare({"a": analysis, "b": analysis})

    for measure in MEASURES:
        assert (comparison.layers[f"{measure}_change"] == 0).all(), measure
    assert comparison.layers["similarity"].tolist() == pytest.approx([1, 1, 1])
    assert (comparison.layers["same_clusters"] == 1).all()
    assert comparison.left_out.empty


def test_every_further_network_is_compared_with_the_first(made_up):
    a, b, c = (made_up(both=False) for _ in range(3))

    together, alone = compare({"a": a, "b": b, "c": c}), compare({"a": a, "c": c})

    assert together.layers["run"].unique().tolist() == ["b", "c"]
    rows = together.layers[together.layers["run"] == "c"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, alone.layers)
    assert "quality" not in rows


def test_layers_without_a_counterpart_are_named_and_the_others_compared():
    one, two = np.zeros((2, 1, 3, 3))
    one[0, 0, 0] = two[0, 1, 1] = 1
    first = analysis_of(layer_of("conv", one), layer_of("wide", one), layer_of("mine", one))
    other = analysis_of(layer_of("conv", two), layer_of("wide", [*two, *one]), layer_of("yours", one))

    comparison = compare({"a": first, "b": other})

    assert comparison.layers["layer"].tolist() == ["conv"]
    assert dict(comparison.left_out[["layer", "why"]].to_numpy()) == {
        "mine": "only in a",
        "yours": "only in b",
        "wide": "1 units in a, 2 in b",
    }


def test_infinite_and_missing_measures_have_no_difference_to_themselves():
    silent, pure = np.zeros((1, 3, 3)), np.eye(3)[None]
    analysis = analysis_of(layer_of("silent", silent), layer_of("pure", pure))

    layers = compare({"a": analysis, "b": analysis}).layers

    assert np.isnan(layers["cluster_size"][0])
    assert np.isinf(layers["snr"][1])
    assert (layers[["cluster_size_change", "snr_change", "dead_change"]] == 0).all(axis=None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"label_names": ("cat", "dog", "car")}, "their labels differ, e.g. 'car'"),
        ({"label_names": ("dog", "cat", "ship")}, "the same in another order"),
        ({"settings": AnalysisSettings(threshold=0.4)}, "measured with threshold 0.3 and 0.4"),
        ({"settings": AnalysisSettings(method="clique")}, "measured with method greedy and clique"),
        ({"settings": AnalysisSettings(fields="network")}, "first has probe fields and other network fields"),
        ({"measured": ()}, "no layer of as many units in common: conv is only in first"),
    ],
)
def test_what_cannot_be_compared_is_refused(pair, message_of, changed, message):
    assert message in message_of(compare, {**pair, "other": replace(pair["other"], **changed)})


def test_one_network_is_nothing_to_compare(pair, message_of):
    assert "give two or more" in message_of(compare, {"first": pair["first"]})
