"""Scores from fields: known answers, and loops that write the definitions out."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import Analysis, LayerFilters, nouns
from fm_keras.filters import find_clusters, measure_filters, threshold_fields
from fm_keras.pruning import few_noise, field_norm, snr
from fm_keras.settings import AnalysisSettings, ProbeSettings

SCORES = {"snr": snr, "few_noise": few_noise, "field_norm": field_norm}


@pytest.fixture
def of_fields():
    """An analysis with one layer of these fields (U, K, K)."""

    def analysis(fields):
        fields = np.array(fields, np.float32)
        above = threshold_fields(fields)
        clusters = find_clusters(above)
        layer = LayerFilters(
            layer="conv",
            map="-",
            accuracy=np.nan,
            class_means=None,
            kernel=None,
            cluster_of=clusters,
            table=measure_filters(above, clusters, fields),
            threshold=0.3,
            held=fields,
        )
        names = tuple("abcdefghij"[: fields.shape[1]])
        return Analysis(names, (layer,), "none", 1, AnalysisSettings(), ProbeSettings())

    return analysis


CLEAN, NOISY, DEAD = np.diag([1, 1, 0]), np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]]), -np.ones((3, 3))


def test_known_answers(of_fields):
    analysis = of_fields([CLEAN, NOISY, DEAD])
    assert snr(analysis).tolist() == [np.inf, 2 * 1 / 2, 0]
    assert few_noise(analysis).tolist() == [0, -2, -9]
    shifted = CLEAN + 5.0
    centered = np.array([[5, -4, -1], [-4, 5, -1], [-1, -1, 2]]) / 9
    expected = [np.linalg.norm(centered)] * 2
    assert field_norm(of_fields([CLEAN, shifted])).tolist() == pytest.approx(expected, rel=1e-6)


def test_a_dead_unit_is_worth_less_than_the_noisiest(of_fields):
    everything = np.ones((4, 4)) - np.eye(4)
    scores = few_noise(of_fields([everything, -np.ones((4, 4))]))
    assert scores.tolist() == [-12, -16]


def test_what_a_row_or_a_column_has_in_common_does_not_count(of_fields, rng):
    fields = rng.normal(size=(6, 5, 5))
    moved = fields + rng.normal(size=(6, 5, 1)) + rng.normal(size=(6, 1, 5))
    np.testing.assert_allclose(field_norm(of_fields(moved)), field_norm(of_fields(fields)), rtol=1e-5)
    same = np.broadcast_to(rng.normal(size=(6, 5, 1)), (6, 5, 5))
    np.testing.assert_allclose(field_norm(of_fields(same)), 0, atol=1e-6)


def centered_by_hand(field):
    labels = range(len(field))
    total = 0
    for i in labels:
        for j in labels:
            total += (field[i, j] - field[i].mean() - field[:, j].mean() + field.mean()) ** 2
    return np.sqrt(total)


def test_the_scores_of_an_analysis_are_those_of_its_fields_and_table(analysis):
    for name, score in SCORES.items():
        found = score(analysis)
        assert found.name == name
        assert found.index.names == ["layer", "filter"]
        assert list(found.index) == list(analysis.filters()[["layer", "filter"]].itertuples(index=False, name=None))
        assert found.notna().all()
    for filters in analysis:
        expected = [centered_by_hand(field.astype(float)) for field in filters.fields]
        np.testing.assert_allclose(field_norm(analysis)[filters.layer], expected, rtol=1e-4)
    np.testing.assert_array_equal(snr(analysis), analysis.filters()["snr"])
    assert few_noise(analysis).nunique() > 1


def test_blocks_of_units_give_the_same_norms(analysis, monkeypatch):
    expected = field_norm(analysis)
    monkeypatch.setattr(nouns, "_BLOCK_BYTES", 1)
    pd.testing.assert_series_equal(field_norm(analysis), expected, rtol=1e-5)


def test_units_in_another_order_take_their_scores_along(of_fields, rng):
    fields = rng.normal(size=(6, 4, 4))
    order = rng.permutation(6)
    for score in SCORES.values():
        np.testing.assert_allclose(score(of_fields(fields[order])), score(of_fields(fields)).to_numpy()[order])


def test_an_analysis_that_was_saved_scores_the_same(analysis, tmp_path):
    analysis.save(tmp_path)
    loaded = Analysis.load(tmp_path)
    for score in SCORES.values():
        pd.testing.assert_series_equal(score(loaded), score(analysis), rtol=1e-5)
