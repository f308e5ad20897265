from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import LayerFilters
from fm_keras.reports.matching import best_assignment, field_similarity, match_filters


def layer_of(fields):
    """A layer that holds these fields."""
    fields = np.asarray(fields, np.float32)
    return LayerFilters("a", "-", 0.5, None, None, np.full(fields.shape[:2], -1), pd.DataFrame(), 0.3, held=fields)


def probed_layer(rng, *, units=7, labels=5, positions=3):
    means = rng.random((labels, positions, units)).astype(np.float32)
    kernel = rng.normal(size=(positions, units, labels)).astype(np.float32)
    return LayerFilters("a", "3", 0.5, means, kernel, np.full((units, labels), -1), pd.DataFrame(), 0.3)


def test_matching_recovers_a_known_permutation_of_the_filters(rng):
    layer, order = probed_layer(rng), rng.permutation(7)
    permuted = replace(layer, class_means=layer.class_means[..., order], kernel=layer.kernel[:, order])

    match = match_filters(layer, permuted)

    assert order[match.partner].tolist() == list(range(7))
    assert match.similarity == pytest.approx(np.ones(7))


def test_a_layer_matches_itself_with_similarity_one_and_less_at_random_or_by_chance(rng):
    layer = probed_layer(rng)

    match = match_filters(layer, layer)

    assert match.similarity == pytest.approx(np.ones(7))
    assert match.at_random < match.by_chance < 0.99


def test_two_filters_are_matched_for_the_largest_sum_and_not_one_after_the_other():
    first = layer_of([[[1, 0], [0, 1]], [[1, 0], [0, 0]]])
    other = layer_of([[[1, 0], [0, 0.75]], [[1, 0], [0, -1]]])

    match = match_filters(first, other)

    # Cosines: 1.75 / (sqrt(2) * 1.25), 0; 1 / 1.25, 1 / sqrt(2).
    assert field_similarity(first, other) == pytest.approx(np.array([[0.98995, 0], [0.8, 0.70711]]), abs=1e-5)
    assert match.partner.tolist() == [0, 1]
    assert match.at_random == pytest.approx((0.98995 + 0.8 + 0.70711) / 4, abs=1e-5)


def test_the_best_pair_is_given_up_where_that_makes_the_sum_larger():
    assert best_assignment(np.array([[1.0, 0.9], [0.8, 0.1]])).tolist() == [1, 0]


def test_similarity_is_the_cosine_of_the_flat_fields_however_few_rows_are_held(rng, monkeypatch):
    first, other = probed_layer(rng), probed_layer(rng)
    order = rng.permutation(5)
    a, b = first.fields.reshape(7, -1), other.fields[:, order][:, :, order].reshape(7, -1)
    expected = a @ b.T / np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))

    whole = field_similarity(first, other, order=order)
    monkeypatch.setattr("fm_keras.reports.matching._BLOCK_BYTES", 1)

    assert whole == pytest.approx(expected, abs=1e-5)
    assert field_similarity(first, other, order=order) == pytest.approx(expected, abs=1e-5)
    assert field_similarity(layer_of(first.fields), layer_of(other.fields), order=order) == pytest.approx(
        expected, abs=1e-5
    )


def test_fields_of_zeros_are_like_each_other_and_unlike_all_others():
    silent_and_loud = layer_of([np.zeros((2, 2)), np.eye(2)])

    assert field_similarity(silent_and_loud, silent_and_loud) == pytest.approx(np.eye(2))


def test_layers_of_other_sizes_are_not_matched(rng, message_of):
    small, large = probed_layer(rng, units=3), probed_layer(rng, units=4)

    assert "units and labels must be as many" in message_of(match_filters, small, large)
