import numpy as np
import pytest

from fm_keras.complexity.distances import Cloud, exact_distances

from .conftest import all_squared, points_of


@pytest.mark.parametrize("width", [1, 2, 3, 7, 5000])
def test_a_pair_has_the_same_bits_alone_in_company_and_turned_round(width, rng):
    points = rng.normal(size=(300, width)).astype(np.float32)
    first, second = rng.integers(0, 300, (2, 500))

    together = exact_distances(points, first, second)

    np.testing.assert_array_equal(exact_distances(points, second, first), together)
    alone = [exact_distances(points, first[[each]], second[[each]])[0] for each in range(50)]
    np.testing.assert_array_equal(alone, together[:50])


@pytest.mark.parametrize("at_a_time", [4096, 8])
@pytest.mark.parametrize("width", [1, 30, 3000])
def test_blocks_bound_all_distances_from_above_and_below(kind, width, at_a_time, rng, small_tiles, monkeypatch):
    monkeypatch.setattr("fm_keras.complexity.distances.COORDINATES", at_a_time)
    points = points_of(kind, 40, rng, width)
    cloud = Cloud.of(points, rng.permutation(40))
    upper = np.zeros((40, 40), np.float32)

    for _ in cloud.tiles(upper):
        pass

    exact = all_squared(points)[np.ix_(cloud.index, cloud.index)]
    apart = ~np.eye(40, dtype=bool)
    scale = scale_of(points)
    assert np.all(exact[apart] * scale <= upper[apart])
    assert np.all((upper - cloud.slack[:, None] - cloud.slack)[apart] <= exact[apart] * scale)
    assert np.all(np.isinf(np.diag(upper)))


def scale_of(points):
    largest = np.abs(points - points.mean(axis=0)).max()
    return 4.0 ** -np.ceil(np.log2(largest)) if largest > 0 else 1.0


def test_float32_near_the_end_of_its_range_is_bounded_like_any_other(rng):
    points = rng.uniform(-3e38, 3e38, (40, 3)).astype(np.float32)
    cloud = Cloud.of(points, np.arange(40))
    upper = np.zeros((40, 40), np.float32)

    for _ in cloud.tiles(upper):
        pass

    apart = ~np.eye(40, dtype=bool)
    np.testing.assert_allclose(upper[apart], (all_squared(points) * cloud.scale**2)[apart], rtol=1e-3, atol=1e-4)


def test_blocks_one_at_a_time_are_those_of_the_matrix(rng, small_tiles):
    cloud = Cloud.of(rng.normal(size=(20, 3)), np.arange(20))
    matrix = np.zeros((20, 20), np.float32)
    kept = [tile.copy() for _, _, tile in cloud.tiles(matrix)]

    seen = [tile.copy() for _, _, tile in cloud.tiles()]

    assert len(seen) == 6
    for one, other in zip(seen, kept):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-5, atol=1e-6)
