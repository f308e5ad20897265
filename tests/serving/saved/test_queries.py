from dataclasses import replace

import numpy as np
import pytest

from fm_keras.serving.saved.ranking import label_shares

pytestmark = pytest.mark.tensorflow

EVERY = [(layer, unit) for layer, units in enumerate((5, 7)) for unit in range(units)]
MEANS = ["accuracy", "n_clusters", "cluster_size", "signal", "internal_noise", "noise", "noise_clustered", "snr"]
MEANS += ["dead", "label_cv", "quality", "quality_below_zero", "quality_around_zero"]


def test_quality_is_the_row_of_the_filter_table(query, measured):
    answer = query("filter_quality", EVERY)

    table = measured.analysis.filters()
    for name in ("n_clusters", "signal", "internal_noise", "external_noise", "dead"):
        assert answer[name].tolist() == table[name].tolist()
    for name in ("quality", "quality_low", "quality_high"):
        np.testing.assert_allclose(answer[name], table[name], rtol=1e-5)
    clusters = np.concatenate([filters.cluster_of for filters in measured.analysis])
    np.testing.assert_array_equal(answer["cluster_of"], clusters)
    assert answer["valid"].all()


def test_snr_is_finite_and_that_of_the_table_wherever_there_is_noise(query, measured):
    answer = query("filter_quality", EVERY)

    noise = answer["internal_noise"] + answer["external_noise"]
    np.testing.assert_allclose(answer["snr"], 2 * answer["signal"] / np.maximum(noise, 1), rtol=1e-6)
    table = measured.analysis.filters()["snr"].to_numpy()
    np.testing.assert_allclose(answer["snr"][noise > 0], table[noise > 0], rtol=1e-6)


def test_fields_are_those_of_the_analysis(query, measured):
    answer = query("filter_field", EVERY)

    fields = np.concatenate([filters.fields for filters in measured.analysis])
    np.testing.assert_allclose(answer["field"], fields, atol=1e-5)


def test_top_filters_have_the_largest_shares_and_all_shares_of_a_label_add_up_to_one(query, measured):
    for layer, units in enumerate((5, 7)):
        for label in range(3):
            answer = query("top_filters", layer_index=[layer], label=[label], count=[100])

            field = measured.analysis.measured[layer].fields[:, label, label]
            slow = field / (sum(max(value, 0) for value in field) or 1)
            numbers, share = answer["filters"][0], answer["share"][0]
            assert sorted(numbers[:units]) == list(range(units))
            np.testing.assert_allclose(share[:units], (slow * (field > 0).any())[numbers[:units]], atol=1e-5)
            assert (np.diff(share[:units]) <= 0).all()
            assert share[share > 0].sum() == pytest.approx(float((field > 0).any()), abs=1e-5)
            assert (numbers[units:] == -1).all() and not share[units:].any()


def test_top_filters_answers_minus_one_beyond_the_count(query):
    answer = query("top_filters", layer_index=[1, 1, 0], label=[0, 0, 2], count=[2, 0, 1])

    assert (answer["filters"] >= 0).sum(axis=1).tolist() == [2, 0, 1]
    assert answer["filters"].shape == (3, 7)  # the largest layer has seven
    assert answer["valid"].all()


def test_a_label_that_no_filter_speaks_for_has_no_shares(measured):

    layer = measured.analysis.measured[0]
    shares = label_shares(replace(layer, held=-np.ones((5, 3, 3), np.float32)))

    assert not shares.any()


def test_layer_summary_is_the_row_of_the_layer_table(query, measured):
    answer = query("layer_summary", layer_index=[0, 1])

    table = measured.analysis.layers().fillna(0)
    for name in (*MEANS, "units"):
        if name not in ("internal_noise", "snr"):
            np.testing.assert_allclose(answer[name], table[name], rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(answer["snr"], table["snr"], rtol=1e-5)
    expected = 2 * answer["signal"] / (answer["internal_noise"] + answer["noise"])
    np.testing.assert_allclose(answer["snr"], expected, rtol=1e-5)


def test_describe_names_layers_labels_and_outputs(query):
    answer = query("describe", layer_index=[1, 0])

    assert answer["layer"].tolist() == [b"hidden", b"conv"]
    assert answer["units"].tolist() == [7, 5]
    assert answer["positions"].tolist() == [b"-", b"2 x 2"]
    assert answer["fields"].tolist() == [b"probe"] * 2
    assert answer["threshold"].tolist() == [np.float32(0.3)] * 2
    assert answer["layer_names"].tolist() == [[b"conv", b"hidden"]] * 2
    assert answer["label_names"].tolist() == answer["output_names"].tolist() == [[b"top", b"middle", b"<b>"]] * 2


@pytest.mark.parametrize(("label", "count"), [(-1, 1), (3, 1), (2**31 - 1, 1), (0, -1)])
def test_a_label_or_count_beyond_range_is_marked(query, label, count):
    answer = query("top_filters", layer_index=[0], label=[label], count=[count])

    assert answer["valid"].tolist() == [False]
    assert (answer["filters"] == -1).all() and not answer["share"].any()
