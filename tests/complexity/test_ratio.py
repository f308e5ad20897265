import numpy as np
import pytest

from fm_keras.complexity.ratio import Ratio


def test_a_ratio_of_sums():
    assert Ratio(np.array([1.0, 2.0]), np.array([4.0, 2.0])).value == 0.5
    assert Ratio(np.array([1.0]), np.array([0.0])).value == np.inf
    assert Ratio(np.array([]), np.array([])).value == 0


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution(rng):
    share = Ratio((np.arange(400) < 100).astype(float), np.ones(400))

    low, high = share.interval(rng, draws=4000)

    half = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert (low, high) == pytest.approx((0.25 - half, 0.25 + half), abs=0.006)


def test_without_terms_the_interval_is_the_value(rng):
    assert Ratio(np.array([]), np.array([])).interval(rng) == (0, 0)
