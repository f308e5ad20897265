import numpy as np
import pytest
from scipy.stats import norm, t

from fm_keras.scaling.curve import read_curve
from fm_keras.scaling.noise import Noise


def test_without_seeds_the_budget_is_that_of_student_s_t():
    noise = Noise(within=0.0, within_dof=0, around=0.6, around_dof=3)
    assert noise.budget(0.95) == pytest.approx(t.ppf(0.975, 3) ** 2 * 0.2)


def test_with_many_seeds_and_widths_on_the_law_the_budget_is_near_that_of_known_noise():
    noise = Noise(within=10_000 * 0.2, within_dof=10_000, around=20 * 0.2, around_dof=20)
    assert norm.ppf(0.975) ** 2 * 0.2 < noise.budget(0.95) < 1.5 * t.ppf(0.975, 20) ** 2 * 0.2


def test_widths_off_the_law_count_as_much_as_they_are_off_however_quiet_the_seeds():
    quiet, none = (Noise(within, dof, 0.6, 6) for within, dof in ((1e-6, 30), (0.0, 0)))
    assert quiet.budget(0.95) == pytest.approx(none.budget(0.95), rel=0.15)


@pytest.mark.parametrize("within_dof", [0, 10])
def test_drawn_variances_give_the_same_budget(within_dof, rng):
    noise = Noise(0.3 * within_dof, within_dof, 2.0, 3)
    drawn = noise.draw(rng, 200_000) * rng.chisquare(1, 200_000)
    assert np.quantile(drawn, 0.9) == pytest.approx(noise.budget(0.9), rel=0.02)


def test_a_curve_without_noise_has_no_budget(rng):
    noise = Noise(0.0, 4, 1e-28, 3)
    assert (noise.budget(0.95), noise.draw(rng, 2).tolist()) == (0.0, [0.0, 0.0])


def test_means_are_geometric_and_weights_are_seeds_where_spreads_are_alike():
    curve = read_curve([8, 2, 8, 4, 4, 2, 8], [0.1, 0.5, 0.2, 0.2, 0.4, 0.8, 0.4])

    np.testing.assert_array_equal(curve.widths, [2, 4, 8])
    np.testing.assert_allclose(curve.errors, [0.4**0.5, 0.08**0.5, 0.2])
    np.testing.assert_array_equal(curve.seeds, [2, 2, 3])
    np.testing.assert_allclose(curve.weights, curve.seeds)
    squares = [np.var(np.log(each)) * len(each) for each in ([0.5, 0.8], [0.2, 0.4], [0.1, 0.2, 0.4])]
    assert (curve.within, curve.within_dof) == pytest.approx((sum(squares), 4))


def test_widths_whose_seeds_differ_more_weigh_less(rng):
    spread = np.array([0.005, 0.005, 0.1, 0.005, 0.1, 0.005])
    widths = np.tile(2.0 ** np.arange(6), 8)
    curve = read_curve(widths, np.exp(np.tile(spread, 8) * rng.standard_normal(48)))

    noisy = spread > 0.01
    assert curve.weights[noisy].max() < 0.05 * curve.weights[~noisy].min()


def test_widths_of_a_single_seed_take_the_common_spread():
    curve = read_curve([1, 2, 3, 3, 4, 4], [0.5, 0.4, 0.3, 0.31, 0.2, 0.21])
    np.testing.assert_allclose(curve.weights, [1, 1, 2, 2])
    assert curve.within_dof == 2


def test_a_prediction_of_a_single_training_takes_the_noise_of_the_nearest_width(rng):
    spread = np.repeat([0.005, 0.1], 3)
    widths = np.tile(2.0 ** np.arange(6), 8)
    curve = read_curve(widths, np.exp(np.tile(spread, 8) * rng.standard_normal(48)))

    near, far = curve.seed_weights(np.log([0.1, 1000]))
    assert (near, far) == pytest.approx(tuple(curve.weights[[0, -1]] / 8))
