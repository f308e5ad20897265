"""Costs of removing inputs, against literal least squares without them."""

import numpy as np
import pytest

from fm_keras.pruning.repairing.elimination import LinearReader, eliminate


@pytest.fixture
def problem(rng):
    """600 samples of 8 inputs that are alike in part, a map of them to 3 outputs, and 4 bundles of 2 inputs."""
    x = rng.normal(size=(600, 8)) @ rng.normal(size=(8, 8))
    return x - x.mean(axis=0), rng.normal(size=(8, 3)), np.array([[0, 4], [1, 5], [2, 6], [3, 7]])


def residual(x, kernel, removed):
    kept = np.delete(x, removed, axis=1)
    fitted, *_ = np.linalg.lstsq(kept, x @ kernel)
    return np.square(kept @ fitted - x @ kernel).sum() / len(x)


def test_costs_are_what_literal_least_squares_loses_more(problem):
    x, kernel, features = problem
    reader = LinearReader(x.T @ x / len(x), kernel, features)
    left = np.arange(4)
    np.testing.assert_allclose(reader.costs(left), [residual(x, kernel, each) for each in features], rtol=1e-6)
    reader.remove(2)
    left, base = np.array([0, 1, 3]), residual(x, kernel, features[2])
    expected = [residual(x, kernel, [*features[each], *features[2]]) - base for each in left]
    np.testing.assert_allclose(reader.costs(left), expected, rtol=1e-6)


def test_the_least_of_the_sum_over_readers_goes_first_and_costs_never_fall(problem, rng):
    x, kernel, features = problem
    other = rng.normal(size=(8, 2))
    costs = eliminate([LinearReader(x.T @ x / len(x), each, features) for each in (kernel, other)], 4)
    single = [residual(x, kernel, each) + residual(x, other, each) for each in features]
    assert costs.argmin() == np.argmin(single) and costs.min() == pytest.approx(min(single))
    assert (np.diff(np.sort(costs)) >= 0).all() and costs.max() > costs.min()


def test_the_last_of_two_that_are_alike_is_not_free(rng):
    x = rng.normal(size=(600, 3))
    x[:, 2] = x[:, 0] + 0.01 * rng.normal(size=600)
    costs = eliminate([LinearReader(x.T @ x / 600, np.ones((3, 1)), np.arange(3)[:, None])], 3)
    assert min(costs[0], costs[2]) < 1e-3 < 0.5 < max(costs[0], costs[2])
