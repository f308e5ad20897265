import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fm_keras.errors import InvalidInput
from fm_keras.filters import (
    find_clusters,
    format_groups,
    label_homogeneity,
    layer_statistics,
    measure_filters,
    parse_groups,
    threshold_fields,
)

COLUMNS = [
    *("filter", "n_clusters", "cluster_sizes", "labels", "signal", "internal_noise", "external_noise"),
    *("column_noise", "snr", "strength", "dead"),
]
FIELDS = arrays(float, st.tuples(st.integers(1, 4), st.just(5), st.just(5)), elements=st.floats(-1, 1, width=32))


def measure(fields, **options):
    above = threshold_fields(fields)
    cluster_of = find_clusters(above)
    return measure_filters(above, cluster_of, fields, **options), cluster_of


@pytest.fixture
def fields(rng):
    return rng.standard_normal((7, 6, 6)) + np.linspace(-3, 3, 7)[:, None, None] * np.eye(6)


def test_columns_have_the_documented_order(fields):
    assert list(measure(fields)[0]) == COLUMNS


def test_strength_is_left_out_without_fields(fields):
    above = threshold_fields(fields)
    assert list(measure_filters(above, find_clusters(above))) == [name for name in COLUMNS if name != "strength"]


def test_a_known_filter_is_described(known):
    row = measure(known.field[None])[0].iloc[0]
    assert row["n_clusters"] == len(known.greedy)
    assert [set(labels) for labels in row["labels"]] == known.greedy
    assert row["cluster_sizes"] == tuple(map(len, known.greedy))
    assert row["external_noise"] == known.external_noise[0]
    assert row["strength"] == known.field.max()
    assert row["dead"] == known.dead


def test_the_largest_cluster_comes_first():
    field = np.eye(5)
    field[np.ix_([2, 4], [2, 4])] = 1
    row = measure(field[None])[0].iloc[0]
    assert row["labels"] == ((2, 4), (0,), (1,), (3,))
    assert row["cluster_sizes"] == (2, 1, 1, 1)


def test_strength_may_be_passed_where_fields_are_not_held(fields):
    above = threshold_fields(fields)
    cluster_of = find_clusters(above)
    largest = fields.max(axis=(1, 2))
    expected = measure_filters(above, cluster_of, fields)
    pd.testing.assert_frame_equal(measure_filters(above, cluster_of, largest), expected)


def test_tables_of_blocks_add_up_to_the_table_of_the_layer(fields):
    blocks = [measure(fields[start : start + 3], first=start)[0] for start in (0, 3, 6)]
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), measure(fields)[0])


def test_permuting_units_permutes_rows(fields, rng):
    order = rng.permutation(len(fields))
    expected = measure(fields)[0].iloc[order].reset_index(drop=True)
    permuted = measure(fields[order])[0]
    pd.testing.assert_frame_equal(permuted.drop(columns="filter"), expected.drop(columns="filter"))


@given(FIELDS)
def test_a_scaled_filter_differs_in_strength_alone(fields):
    table, scaled = measure(fields)[0], measure(fields * 4)[0]
    pd.testing.assert_frame_equal(scaled.assign(strength=scaled["strength"] / 4), table)


@given(FIELDS)
def test_a_filter_is_dead_where_no_field_is_positive(fields):
    assert measure(fields)[0]["dead"].tolist() == [bool((field <= 0).all()) for field in fields]


def test_fields_of_another_shape_are_refused(fields):
    above = threshold_fields(fields)
    with pytest.raises(InvalidInput, match=r"fields has shape \(5,\); for above \(7, 6, 6\) it is"):
        measure_filters(above, find_clusters(above), np.ones(5))


@given(FIELDS)
def test_the_snr_of_a_layer_is_the_ratio_of_means_of_the_summed_ones(fields):
    table, cluster_of = measure(fields)
    total = threshold_fields(fields).sum(axis=0)
    diagonal, rest = total.diagonal().mean(), total[~np.eye(5, dtype=bool)].mean()
    expected = 0 if diagonal == 0 else np.inf if rest == 0 else diagonal / rest
    assert layer_statistics(table, cluster_of)["snr"] == pytest.approx(expected)


def test_the_statistics_of_a_layer_are_known():
    pair = np.diag([1.0, 1.0, 1.0, 0.0])
    pair[0, 1] = pair[1, 0] = pair[3, 2] = 1
    noise_alone = np.zeros((4, 4))
    noise_alone[0, 1] = 1
    table, cluster_of = measure(np.stack([pair, noise_alone, np.full((4, 4), -1.0)]))
    statistics = layer_statistics(table, cluster_of)
    assert statistics.to_dict() == pytest.approx(
        {
            "n_clusters": 2 / 3,
            "cluster_size": 1.5,
            "signal": 1.0,
            "noise": 2 / 3,
            "noise_clustered": 1.0,
            "snr": 3 * 3 / 4,
            "dead": 1 / 3,
            "label_cv": np.sqrt(3) / 3,
        }
    )


def test_a_layer_without_clusters_has_no_cluster_size():
    statistics = layer_statistics(*measure(np.full((2, 3, 3), -1.0)))
    assert statistics[["cluster_size", "noise_clustered"]].isna().all()
    assert statistics.drop(["cluster_size", "noise_clustered"]).to_dict() == {
        **{"n_clusters": 0, "signal": 0, "noise": 0, "snr": 0, "dead": 1, "label_cv": 0}
    }


def test_label_homogeneity_counts_the_filters_of_each_label():
    spread = label_homogeneity(np.array([[0, 0, -1], [1, -1, 0], [-1, -1, -1], [0, -1, -1]]))
    assert spread.counts.tolist() == [3, 1, 1]
    assert (spread.least, spread.most) == (1, 3)
    assert spread.cv == pytest.approx(np.std([3, 1, 1]) / np.mean([3, 1, 1]))


def test_label_homogeneity_is_even_where_no_filter_holds_a_label():
    assert label_homogeneity(np.full((3, 4), -1)).cv == 0


def test_label_counts_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        label_homogeneity(np.zeros((2, 3), int)).counts[0] = 7


def test_groups_are_written_for_people():
    table = pd.DataFrame({"cluster_sizes": [(3, 1), ()], "labels": [((0, 5, 8), (2,)), ()]})
    text = format_groups(table)
    assert text["cluster_sizes"].tolist() == ["3 1", "-"]
    assert text["labels"].tolist() == ["0 5 8|2", "-"]


@given(FIELDS)
def test_a_table_survives_csv(tmp_path_factory, fields):
    table = measure(fields)[0]
    path = tmp_path_factory.mktemp("csv") / "filters.csv"
    format_groups(table).to_csv(path, index=False)
    pd.testing.assert_frame_equal(parse_groups(pd.read_csv(path)), table)


def test_text_that_is_no_group_is_refused():
    table = pd.DataFrame({"cluster_sizes": ["1"], "labels": ["a b"]})
    with pytest.raises(InvalidInput, match="received 'a b'"):
        parse_groups(table)
