import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.neighbors import KNeighborsClassifier

from fm_keras.complexity import f1, intrinsic_dimension, linear_error, n1, n1_edges, n2, n3, t1
from fm_keras.errors import InvalidInput

from .conftest import all_squared, kruskal, points_of

some_points = arrays(np.float32, st.tuples(st.integers(2, 18), st.integers(1, 3)), elements=st.integers(-3, 3))
some_labels = st.lists(st.integers(0, 3), min_size=18, max_size=18)


def literal_n1(points, labels):
    crossing = [edge for edge in kruskal(points) if labels[edge[0]] != labels[edge[1]]]
    return len({point for edge in crossing for point in edge}) / len(points), len(crossing) / (len(points) - 1)


def literal_nearest(points, labels, point, alike):
    others = [each for each in range(len(points)) if each != point and (labels[each] == labels[point]) == alike]
    return min((np.sqrt(all_squared(points)[point, each]) for each in others), default=None)


def literal_n2(points, labels):
    paired = [each for each in range(len(points)) if literal_nearest(points, labels, each, True) is not None]
    same, other = (sum(literal_nearest(points, labels, each, alike) for each in paired) for alike in (True, False))
    return same / other if other else np.inf


def literal_n3(points, labels):
    squared = all_squared(points)
    wrong = 0
    for point in range(len(points)):
        nearest = min((squared[point, each], each) for each in range(len(points)) if each != point)[1]
        wrong += labels[nearest] != labels[point]
    return wrong / len(points)


def literal_t1(points, labels):
    squared, spheres = all_squared(points), 0
    radius = [literal_nearest(points, labels, each, False) for each in range(len(points))]
    holds = [
        {each}
        | {
            other
            for other in range(len(points))
            if labels[other] == labels[each] and (radius[each] is None or np.sqrt(squared[each, other]) < radius[each])
        }
        for each in range(len(points))
    ]
    left = set(range(len(points)))
    while left:
        center = max(left, key=lambda each: (len(holds[each] & left), -each))
        left, spheres = left - holds[center], spheres + 1
    return spheres / len(points)


def literal_f1(points, labels):
    largest = 0.0
    for column in points.astype(float).T:
        classes = [column[labels == label] for label in np.unique(labels)]
        within = sum(((each - each.mean()) ** 2).sum() for each in classes)
        between = sum(len(each) * (each.mean() - column.mean()) ** 2 for each in classes)
        if between > 1e-12:
            largest = max(largest, between / within if within else np.inf)
    return 1 / (1 + largest)


def literal_linear_errors(points, labels):
    """Errors of the best ridges: several of them may be equally good."""
    points, targets = points.astype(float), np.eye(labels.max() + 1)[labels]
    spread = np.square(points - points.mean(axis=0)).sum() / len(points)
    with_bias, found = np.hstack([points, np.ones((len(points), 1))]), []
    for ridge in (1e-3, 1e-2, 1e-1, 1):
        penalty = ridge * spread * np.diag([1] * points.shape[1] + [0])
        said = np.empty(targets.shape)
        for point in range(len(points)):
            rest = np.delete(np.arange(len(points)), point)
            matrix, wanted = with_bias[rest].T @ with_bias[rest] + penalty, with_bias[rest].T @ targets[rest]
            said[point] = with_bias[point] @ np.linalg.lstsq(matrix, wanted)[0]
        others = np.where(targets == 1, -np.inf, said).max(axis=1)
        wrong = others >= said[np.arange(len(points)), labels] - 1e-9
        found.append((np.square(said - targets).sum(), wrong.mean()))
    return [error for total, error in found if total <= min(found)[0] * (1 + 1e-6) + 1e-12]


def literal_dimension(points):
    places = np.unique(points, axis=0)
    ratios = []
    for place in places:
        near = sorted(np.sqrt(((place.astype(float) - other) ** 2).sum()) for other in places)
        ratios.append(np.log(near[2] / near[1]))
    kept = sorted(ratios)[: max(1, int(0.9 * len(ratios)))]
    expected = [-np.log(1 - number / len(ratios)) for number in range(1, len(kept) + 1)]
    spread = sum(ratio**2 for ratio in kept)
    return sum(ratio * height for ratio, height in zip(kept, expected)) / spread if spread else np.inf


@given(points=some_points, labels=some_labels)
@settings(max_examples=80, deadline=None)
def test_every_measure_is_what_its_definition_says_taken_literally(points, labels):
    labels = np.array(labels[: len(points)])

    assert (n1(points, labels), n1_edges(points, labels)) == pytest.approx(literal_n1(points, labels))
    assert n3(points, labels) == pytest.approx(literal_n3(points, labels))
    assert t1(points, labels) == pytest.approx(literal_t1(points, labels))
    if len(np.unique(labels)) > 1:
        assert f1(points, labels) == pytest.approx(literal_f1(points, labels), abs=1e-9)
        try:
            assert n2(points, labels) == pytest.approx(literal_n2(points, labels))
        except InvalidInput as error:
            assert "alone in its class" in str(error) or "zero by zero" in str(error)


def test_n1_is_that_of_scipys_tree_where_no_distances_are_equal(rng):
    points, labels = rng.normal(size=(200, 30)).astype(np.float32), rng.integers(0, 4, 200)
    ends = np.array(minimum_spanning_tree(np.sqrt(all_squared(points))).nonzero())
    crossing = labels[ends[0]] != labels[ends[1]]

    assert n1(points, labels) == len(np.unique(ends[:, crossing])) / 200
    assert n1_edges(points, labels) == crossing.sum() / 199


def test_n3_is_the_leave_one_out_error_of_scikit_learn(rng):
    points, labels = rng.normal(size=(120, 10)), rng.integers(0, 3, 120)
    rest = [np.delete(np.arange(120), each) for each in range(120)]
    rule = KNeighborsClassifier(1)
    guessed = [rule.fit(points[part], labels[part]).predict(points[[each]])[0] for each, part in enumerate(rest)]

    assert n3(points, labels) == pytest.approx(np.mean(guessed != labels))


@given(points=some_points, labels=some_labels)
@settings(max_examples=80, deadline=None)
def test_the_linear_error_is_that_of_a_fit_to_all_others_taken_literally(points, labels):
    labels = np.unique(labels[: len(points)], return_inverse=True)[1]

    assert linear_error(points, labels) in literal_linear_errors(points, labels)


@pytest.mark.parametrize("width", [5, 80])
def test_the_linear_error_is_literal_where_there_are_more_or_fewer_coordinates_than_points(width, rng):
    labels = rng.integers(0, 3, 40)
    points = rng.normal(size=(40, width)) + labels[:, None] * 0.4

    assert literal_linear_errors(points, labels) == [linear_error(points, labels)]


@given(points=some_points)
@settings(max_examples=80, deadline=None)
def test_the_intrinsic_dimension_is_what_its_definition_says_taken_literally(points):
    if len(np.unique(points, axis=0)) < 3:
        with pytest.raises(InvalidInput, match="takes three distinct points"):
            intrinsic_dimension(points)
    else:
        assert intrinsic_dimension(points) == pytest.approx(literal_dimension(points))


class TestKnownAnswers:
    line = np.array([[0.0], [1.0], [3.0], [6.0]])

    def test_two_classes_on_a_line(self):
        labels = np.array([0, 0, 1, 1])
        assert n1(self.line, labels) == 2 / 4
        assert n1_edges(self.line, labels) == 1 / 3
        assert n2(self.line, labels) == (1 + 1 + 3 + 3) / (3 + 2 + 2 + 5)
        assert n3(self.line, labels) == 1 / 4
        assert t1(self.line, labels) == 2 / 4
        assert f1(self.line, labels) == pytest.approx(1 / (1 + 4 * 2**2 / (2 * 0.25 + 2 * 2.25)))

    def test_classes_that_lie_apart_are_easy(self, rng):
        labels = np.repeat(np.arange(5), 20)
        points = labels[:, None] * 100 + rng.normal(size=(100, 3))
        assert n1(points, labels) <= 8 / 100
        assert n1_edges(points, labels) == 4 / 99
        assert (n3(points, labels), t1(points, labels)) == (0, 5 / 100)
        assert n2(points, labels) < 0.1
        assert f1(points, labels) < 0.01
        assert linear_error(np.eye(5)[labels] + 0.1 * rng.normal(size=(100, 5)), labels) == 0

    def test_labels_drawn_at_random_are_hard(self, rng):
        points, labels = rng.normal(size=(1000, 5)), rng.integers(0, 10, 1000)
        assert n1(points, labels) > 0.95
        assert n3(points, labels) == pytest.approx(0.9, abs=0.05)
        assert f1(points, labels) > 0.95

    def test_points_in_a_plane_have_two_dimensions_however_many_coordinates_hold_it(self, rng):
        plane = rng.random((2000, 2)) @ rng.normal(size=(2, 50))
        assert intrinsic_dimension(plane) == pytest.approx(2, abs=0.15)
        assert intrinsic_dimension(np.repeat(plane, 2, axis=0)) == intrinsic_dimension(plane)

    def test_a_fit_to_the_one_other_point_is_wrong_about_another_class(self):
        assert linear_error(np.array([[0.0], [1.0]]), np.array([0, 1])) == 1
        assert linear_error(np.array([[0.0], [1.0]]), np.array([1, 1])) == 0

    def test_a_plane_that_tells_nothing_is_wrong_about_every_point(self):
        corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
        assert linear_error(corners, np.array([0, 1, 1, 0])) == 1
        assert linear_error(np.ones((6, 3)), np.array([0, 1, 2, 0, 1, 2])) == 1

    def test_where_a_plane_stands_does_not_matter_to_it(self, rng):
        labels = rng.integers(0, 2, 30)
        points = rng.normal(size=(30, 3)) + labels[:, None]
        assert 0 < linear_error(points, labels) < 0.5
        assert linear_error(points + 1000, labels) == linear_error(points, labels)

    def test_a_grid_has_neighbors_equally_near_and_no_finite_dimension(self):
        assert intrinsic_dimension(np.stack(np.meshgrid(range(5), range(5)), axis=-1).reshape(-1, 2)) == np.inf


class TestBordersOfTheDefinitions:
    def test_one_class_has_no_border_and_takes_one_sphere(self, rng):
        points, labels = rng.normal(size=(10, 2)), np.full(10, 7)
        assert [measure(points, labels) for measure in (n1, n1_edges, n3, linear_error)] == [0, 0, 0, 0]
        assert t1(points, labels) == 1 / 10

    def test_one_class_cannot_be_compared(self, message_of):
        for measure in (n2, f1):
            said = f"{measure.__name__} compares classes, and all 3 points are of one."
            assert message_of(measure, np.eye(3), np.zeros(3, int)) == said

    def test_one_point(self, message_of):
        one, label = np.ones((1, 2)), np.zeros(1, int)
        assert (n1(one, label), n1_edges(one, label), t1(one, label)) == (0, 0, 1)
        assert (
            message_of(n3, one, label) == "n3 takes two points or more: there is no other to classify a single one by."
        )
        assert "takes three distinct points; there are 1." in message_of(intrinsic_dimension, one)

    def test_all_points_at_one_place_are_as_hard_as_it_gets(self, message_of):
        points, labels = np.ones((6, 3)), np.array([0, 1, 0, 1, 0, 1])
        assert n1(points, labels) == 4 / 6  # the star on the first point joins it to three of the other class
        assert (t1(points, labels), f1(points, labels)) == (1, 1)
        assert linear_error(points, labels) >= 0.5
        assert message_of(n2, points, labels).startswith("n2 is zero by zero")

    def test_every_point_alone_in_its_class(self, message_of):
        points = np.arange(4.0)[:, None]
        assert n3(points, np.arange(4)) == 1
        assert message_of(n2, points, np.arange(4)).endswith("every point is alone in its class.")

    def test_duplicates_of_another_class_make_n2_infinite(self):
        assert n2(np.array([[0.0], [1], [0], [1]]), np.array([0, 0, 1, 1])) == np.inf

    def test_constant_coordinates_tell_nothing_and_those_constant_in_each_class_everything(self, rng):
        labels = np.repeat([0, 1, 2], 7)
        noise = rng.normal(size=(21, 1)) * 10
        assert f1(np.full((21, 1), 0.1), labels) == 1
        assert f1(np.hstack([noise, np.full((21, 1), 0.1)]), labels) == pytest.approx(f1(noise, labels))
        assert f1(np.hstack([noise, 0.1 + labels[:, None]]), labels) == 0

    def test_a_few_coordinates_at_a_time_have_the_same_largest_fisher_ratio(self, rng, monkeypatch):
        points, labels = rng.normal(size=(30, 7)), rng.integers(0, 3, 30)
        whole = f1(points, labels)
        monkeypatch.setattr("fm_keras.complexity.measures.AT_ONCE", 60)
        assert f1(points, labels) == pytest.approx(whole, rel=1e-12)

    def test_nan_is_refused_by_every_measure(self, message_of):
        points, labels = np.array([[0.0], [np.nan], [1.0]]), np.array([0, 1, 1])
        for measure in (n1, n1_edges, n2, n3, t1, f1, linear_error):
            assert message_of(measure, points, labels).startswith("1 of 3 points hold NaN")

    def test_the_names_of_classes_do_not_matter(self, kind, rng):
        points, labels = points_of(kind, 40, rng), rng.integers(0, 3, 40)
        names = np.array([-5, 2**40, 7])[labels]
        for measure in (n1, n1_edges, n3, t1, f1):
            assert measure(points, labels) == pytest.approx(measure(points, names))


def test_moving_turning_and_scaling_the_points_changes_nothing_but_f1(rng):
    points, labels = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    turned = 3 * points @ np.linalg.qr(rng.normal(size=(4, 4)))[0] + 100
    for measure in (n1, n1_edges, n2, n3, t1, intrinsic_dimension):
        assert measure(turned, labels) == pytest.approx(measure(points, labels), rel=1e-6)
