import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from fm_keras.complexity.neighbors import Nearest, neighborhood, spanning_tree

from .conftest import all_squared, kruskal, points_of

LITTLE = 1e-9  # GB: too little for a matrix, so Boruvka's way is taken
pytestmark = pytest.mark.usefixtures("small_tiles")


def literal_nearest(squared, allowed):
    """Index and distance of the nearest allowed point, the first of equally near ones."""
    squared = np.where(allowed, squared, np.inf)
    np.fill_diagonal(squared, np.inf)
    index = squared.argmin(axis=1)
    distance = np.sqrt(squared.min(axis=1))
    return np.where(np.isinf(distance), -1, index), distance


@pytest.mark.parametrize("count", [1, 2, 3, 8, 45])
def test_the_tree_is_that_of_kruskal_with_edges_ordered_by_length_and_points(kind, count, method, rng):
    points = points_of(kind, count, rng)

    tree = spanning_tree(points)

    assert [tuple(edge) for edge in tree.edges.tolist()] == kruskal(points)
    squared = all_squared(points)
    np.testing.assert_allclose(tree.lengths**2, squared[tuple(tree.edges.T)], rtol=1e-12, atol=0)


def test_the_lengths_are_those_of_scipys_tree_on_the_full_matrix(kind, method, rng):
    points = points_of(kind, 150, rng, width=20)
    distances = np.sqrt(all_squared(points)) + 1  # SciPy drops edges of length zero
    np.fill_diagonal(distances, 0)

    tree = spanning_tree(points)

    expected = np.sort(minimum_spanning_tree(distances).data) - 1
    np.testing.assert_allclose(tree.lengths, expected, rtol=1e-9, atol=1e-12)


@given(points=arrays(np.float32, (25, 2), elements=st.sampled_from([0, -0.0, 1, 1 + 2**-20, 1e-20, -3e8])))
@settings(max_examples=60, deadline=None)
def test_both_ways_agree_where_float32_cannot_tell_distances_apart(points):
    expected = kruskal(points)

    assert [tuple(edge) for edge in spanning_tree(points).edges.tolist()] == expected
    assert [tuple(edge) for edge in spanning_tree(points, memory_limit=LITTLE).edges.tolist()] == expected


@pytest.mark.parametrize(
    ("kind_of_number", "unit"),
    [
        *[(np.float32, unit) for unit in (1e-41, 1e30, 6e36)],
        *[(np.float64, unit) for unit in (1e-300, 1e-200, 1e120, 1e160, 1e305)],
    ],
)
def test_very_small_and_very_large_numbers_make_the_same_tree(kind_of_number, unit, method, rng):
    points = rng.integers(0, 50, (30, 2))

    tree = spanning_tree((points * unit).astype(kind_of_number))

    assert np.array_equal(np.sort(tree.lengths), tree.lengths)
    np.testing.assert_allclose(tree.lengths / unit, spanning_tree(points).lengths, rtol=0.1)


def test_neighbors_of_very_small_numbers_are_as_far_as_they_are(rng):
    points, labels = rng.normal(size=(30, 2)), np.arange(30) % 2
    usual = neighborhood(points, labels)

    small = neighborhood(points * 2.0**-700, labels)

    for one, other in ((small.same, usual.same), (small.other, usual.other)):
        np.testing.assert_array_equal(one.index, other.index)
        np.testing.assert_array_equal(one.distance, other.distance * 2.0**-700)


def test_points_that_differ_below_float32_are_told_apart(rng):
    points = 1e6 + np.cumsum(rng.permutation(np.arange(1, 31)))[:, None] * 1e-7

    tree = spanning_tree(points)

    assert [tuple(edge) for edge in sorted(tree.edges.tolist())] == [(low, low + 1) for low in range(29)]
    assert np.all(np.diff(tree.lengths) > 0)


@pytest.mark.parametrize("labels", [1, 3, 40])
def test_neighbors_are_the_nearest_points_and_the_first_of_equally_near_ones(kind, labels, rng):
    points, of = points_of(kind, 40, rng), rng.integers(0, labels, 40)

    found = neighborhood(points, of, tree=False)

    alike, squared = of[:, None] == of, all_squared(points)
    for nearest, allowed in ((found.same, alike), (found.other, ~alike), (found.nearest, alike | True)):
        index, distance = literal_nearest(squared, allowed)
        np.testing.assert_array_equal(nearest.index, index)
        np.testing.assert_allclose(nearest.distance, distance, rtol=1e-12)


def test_neighbors_are_those_of_scikit_learn(rng):
    points, labels = rng.normal(size=(300, 30)).astype(np.float32), rng.integers(0, 5, 300)

    nearest = neighborhood(points, labels, tree=False).nearest

    distance, index = NearestNeighbors(n_neighbors=1).fit(points).kneighbors()
    np.testing.assert_array_equal(nearest.index, index[:, 0])
    np.testing.assert_allclose(nearest.distance, distance[:, 0], rtol=1e-6)
    guessed = KNeighborsClassifier(1).fit(points, labels).predict(points + 1e-9)
    np.testing.assert_array_equal(guessed, labels)


def test_many_ties_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("fm_keras.complexity.minima._PENDING", 10)
    monkeypatch.setattr("fm_keras.complexity.prim._PENDING", 10)
    points = np.eye(40)  # every distance is the same

    for memory_limit in (2.0, LITTLE):
        found = neighborhood(points, np.arange(40) % 2, memory_limit=memory_limit)

        assert found.tree.edges.tolist() == [[0, each] for each in range(1, 40)]
        np.testing.assert_array_equal(found.nearest.index, [1] + [0] * 39)


def test_a_change_of_order_changes_no_length(kind, rng):
    points, order = points_of(kind, 60, rng), rng.permutation(60)

    np.testing.assert_allclose(spanning_tree(points).lengths, spanning_tree(points[order]).lengths, rtol=1e-12)


def test_further_axes_are_flattened(rng):
    maps = rng.normal(size=(20, 2, 3, 4))

    np.testing.assert_array_equal(spanning_tree(maps).edges, spanning_tree(maps.reshape(20, -1)).edges)


def test_what_was_given_is_left_as_it_was(rng):
    points, labels = rng.normal(size=(30, 3)).astype(np.float32), rng.integers(0, 3, 30)
    before = points.copy(), labels.copy()

    neighborhood(points, labels)

    np.testing.assert_array_equal(points, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_of_two_neighbors_the_nearer_one_wins_and_of_equally_near_ones_the_first():
    one = Nearest(np.array([3, 3, 3, -1]), np.array([1.0, 2.0, 1.0, np.inf]))
    two = Nearest(np.array([2, 2, 2, 5]), np.array([1.0, 1.0, 2.0, 9.0]))

    for first, second in ((one, two), (two, one)):
        assert first.or_nearer(second).index.tolist() == [2, 2, 3, 5]


@pytest.mark.parametrize(
    ("points", "labels", "said"),
    [
        (np.zeros((0, 3)), [], "Points must be an array (N, D) of numbers, N and D at least 1; received float64 of"),
        (np.zeros(3), [0, 0, 0], "received float64 of shape (3,)."),
        (np.array([["a"]]), [0], "Points must be an array (N, D) of numbers"),
        (np.array([[0.0], [np.nan], [np.inf]]), [0, 0, 1], "2 of 3 points hold NaN or infinite numbers, point 1 first"),
        (np.zeros((2, 1)), [0, 1, 2], "Labels must be 2 whole numbers, one a point; received int64 of shape (3,)."),
        (np.zeros((2, 1)), [0.5, 1], "Labels must be 2 whole numbers, one a point; received float64 of shape (2,)."),
    ],
)
def test_what_is_no_set_of_labeled_points_is_refused(points, labels, said, message_of):
    assert said in message_of(neighborhood, points, np.array(labels))
