import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from fm_keras.filters import BootstrapMeans, bootstrap_rank_correlation, rank_correlation

# Few values, so that ties are common.
SCORES = st.integers(2, 30).flatmap(lambda n: arrays(float, (2, n), elements=st.integers(-4, 4)))


def means_of(values, *batches, **options):
    means = BootstrapMeans(len(values), **options)
    for batch in np.split(values, batches):
        means.add(batch)
    return means


class TestMeans:
    def test_the_interval_holds_the_true_mean_as_often_as_it_says(self):
        # 1000 columns of independent exponential values, whose mean is 1.
        values = np.random.default_rng(1).exponential(size=(200, 1000))
        low, high = means_of(values).interval(0.9)
        assert 0.87 < np.mean((low < 1) & (high > 1)) < 0.92

    def test_its_width_is_that_of_the_standard_error(self, rng):
        values = rng.normal(size=(1000, 50)) * 3
        low, high = means_of(values).interval()
        np.testing.assert_allclose((high - low).mean(), 2 * 1.96 * 3 / np.sqrt(1000), rtol=0.03)

    def test_the_mean_is_that_of_all_images(self, rng):
        values = rng.normal(size=(30, 4)).astype(np.float32)
        mean = means_of(values, 10, 20).mean()
        assert mean.dtype == np.float64
        np.testing.assert_allclose(mean, values.mean(axis=0, dtype=float), rtol=1e-12)

    def test_batches_change_nothing(self, rng):
        values = rng.normal(size=(30, 4))
        np.testing.assert_allclose(
            means_of(values, 1, 7, 7, 29).interval(), means_of(values).interval(), rtol=1e-5, atol=1e-6
        )

    def test_a_constant_column_has_no_width(self):
        # Every draw holds as many images as there are.
        low, high = means_of(np.full((40, 2), [0.5, -3])).interval()
        np.testing.assert_array_equal([low, high], [[0.5, -3]] * 2)

    def test_the_same_seed_gives_the_same_interval_and_another_seed_another_one(self, rng):
        values = rng.normal(size=(50, 3))
        first, again, other = (means_of(values, rounds=100, seed=seed).interval() for seed in (4, 4, 5))
        np.testing.assert_array_equal(first, again)
        assert (first[0] != other[0]).all()

    def test_too_many_and_too_few_images_are_named(self, message_of):
        means = BootstrapMeans(5)
        means.add(np.zeros((3, 2)))
        assert "3 of 5 announced images were added" in message_of(means.mean)
        assert "3 of 5 announced images were added" in message_of(means.interval)
        assert "6 images were added where 5 were announced" in message_of(means.add, np.zeros((3, 2)))

    def test_batches_that_do_not_fit_are_named(self, message_of):
        means = BootstrapMeans(5)
        assert "values have shape (3,)" in message_of(means.add, np.zeros(3))
        means.add(np.zeros((3, 2)))
        assert "values have shape (2, 1)" in message_of(means.add, np.zeros((2, 1)))

    @pytest.mark.parametrize("level", [0, 1, 95])
    def test_a_level_out_of_range_is_named(self, message_of, level):
        assert f"level is {level};" in message_of(means_of(np.zeros((3, 1))).interval, level)

    def test_no_images_are_refused(self, message_of):
        assert "images is 0 and rounds 1000" in message_of(BootstrapMeans, 0)


class TestRankCorrelation:
    @given(SCORES)
    def test_it_equals_that_of_scipy(self, scores):
        a, b = scores
        if np.ptp(a) == 0 or np.ptp(b) == 0:
            assert np.isnan(rank_correlation(a, b))
        else:
            np.testing.assert_allclose(rank_correlation(a, b), spearmanr(a, b).statistic, atol=1e-12)

    def test_a_rising_curve_is_one_and_a_falling_one_minus_one(self, rng):
        scores = rng.normal(size=50)
        assert rank_correlation(scores, np.exp(scores)) == 1
        assert rank_correlation(scores, -(scores**3)) == -1

    def test_units_without_a_score_are_left_out(self, rng):
        a, b = rng.normal(size=(2, 20))
        a_gaps, b_gaps = np.append(a, [np.nan, 1, np.nan]), np.append(b, [2, np.nan, np.nan])
        assert bootstrap_rank_correlation(a_gaps, b_gaps) == bootstrap_rank_correlation(a, b)
        assert rank_correlation(a_gaps, b_gaps) == rank_correlation(a, b)

    def test_the_interval_holds_the_true_correlation_about_as_often_as_it_says(self):
        rng = np.random.default_rng(2)
        inside = 0
        for _ in range(200):
            a, b = rng.normal(size=(2, 80))
            value, low, high = bootstrap_rank_correlation(a, a + b, rounds=200, level=0.9)
            assert low < value < high
            # Of two normal scores with correlation 1/sqrt(2).
            inside += low < 6 / np.pi * np.arcsin(0.5**0.5 / 2) < high
        assert 0.83 < inside / 200 < 0.96

    def test_each_round_is_the_correlation_of_units_drawn_again(self, rng):
        a, b = rng.integers(5, size=(2, 15)).astype(float)
        drawn = np.random.default_rng(3).integers(15, size=(15, 50))
        rounds = [spearmanr(a[units], b[units]).statistic for units in drawn.T]
        value, low, high = bootstrap_rank_correlation(a, b, rounds=50, seed=3)
        np.testing.assert_allclose(
            [value, low, high], [spearmanr(a, b).statistic, *np.quantile(rounds, [0.025, 0.975])]
        )

    @pytest.mark.parametrize("scores", [np.zeros((2, 5)), np.zeros((2, 0)), np.full((2, 5), np.nan)])
    def test_without_ranks_all_is_nan(self, scores):
        assert np.isnan(bootstrap_rank_correlation(*scores)).all()

    def test_scores_that_do_not_fit_are_named(self, message_of):
        assert "(3,) and (4,) do not fit" in message_of(rank_correlation, np.zeros(3), np.zeros(4))
        assert "(3, 1) and (3, 1) do not fit" in message_of(bootstrap_rank_correlation, *np.zeros((2, 3, 1)))

    def test_no_rounds_are_refused(self, message_of):
        def correlate():
            return bootstrap_rank_correlation(np.arange(3), np.arange(3), rounds=0)

        assert "rounds is 0; it must be at least 1" in message_of(correlate)
