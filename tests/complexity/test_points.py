import numpy as np
import pytest

from fm_keras.complexity import MEASURES, measure_points
from fm_keras.complexity.points import scaled


def measured(points, labels):
    found = measure_points(points, labels, list(MEASURES))
    assert found.failed == {}
    return found.values


@pytest.mark.parametrize("unit", [2.0**-1000, 1e-200, 1e160, 2.0**1015])
def test_no_measure_depends_on_how_large_float64_numbers_are(unit, rng):
    points, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)

    assert measured(points * unit, labels) == pytest.approx(measured(points, labels), rel=1e-9)


@pytest.mark.parametrize("largest", [1e-38, 3.4e38])
def test_no_measure_depends_on_how_large_float32_numbers_are(largest, rng):
    points, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    unit = largest / np.abs(points).max()

    assert measured((points * unit).astype(np.float32), labels) == pytest.approx(measured(points, labels), rel=1e-4)


def test_points_far_smaller_than_others_keep_their_neighbors():
    points = np.array([[1.0, 0], [1, 1e-180], [1, 3e-180], [1, 4e-180], [-1, 0]])

    assert measure_points(points, np.array([0, 0, 1, 1, 1]), ["n3"]).values["n3"] == 1 / 5


def test_usual_numbers_are_left_as_they_are(rng):
    for points in (rng.normal(size=(5, 2)), np.zeros((5, 2)), np.full((3, 1), 2.0**479), np.ones((1, 2**22))):
        same, power = scaled(points)
        assert same is points
        assert power == 0


def test_scaling_is_by_a_power_of_two_and_not_repeated(rng):
    points = rng.normal(size=(5, 2)) * 1e-250

    once, power = scaled(points)

    np.testing.assert_array_equal(np.ldexp(once, -power), points)
    assert scaled(once)[1] == 0
