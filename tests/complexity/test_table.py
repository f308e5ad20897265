import numpy as np
import pytest

import fm_keras.complexity as complexity
from fm_keras.complexity import MEASURES, measure_points


@pytest.fixture
def points(rng):
    return rng.normal(size=(150, 6)).astype(np.float32)


@pytest.fixture
def labels(rng):
    return rng.integers(0, 3, 150)


def test_all_measures_at_once_are_what_each_is_alone(points, labels):
    found = measure_points(points, labels, list(MEASURES))

    assert list(found.values) == list(MEASURES)
    assert found.values == {name: getattr(complexity, name)(points, labels) for name in MEASURES}
    assert (found.intervals, found.failed) == ({}, {})


def test_a_measure_that_fails_says_why_and_the_others_go_on(points):
    found = measure_points(points, np.zeros(150, int), ["n1", "n2", "f1"])

    assert found.values["n1"] == 0 and np.isnan(found.values["n2"])
    assert set(found.failed) == {"n2", "f1"}
    assert found.failed["n2"] == "n2 compares classes, and all 150 points are of one."


def test_the_distances_are_computed_once(points, labels, monkeypatch):
    calls = []
    real = complexity.measures.neighborhood
    monkeypatch.setattr(complexity.measures, "neighborhood", lambda *a, **k: calls.append(k["tree"]) or real(*a, **k))

    measure_points(points, labels, ["n1", "n1_edges", "n2", "n3", "t1", "f1"])
    measure_points(points, labels, ["n3"])

    assert calls == [True, False]


def test_intervals_hold_the_value_and_narrow_with_more_points(rng):
    widths = []
    for count in (100, 1600):
        points, labels = rng.normal(size=(count, 3)), rng.integers(0, 2, count)
        points += labels[:, None]
        found = measure_points(points, labels, ["n1", "n2", "n3"], rng=rng)
        assert set(found.intervals) == {"n1", "n2", "n3"}
        for name, (low, high) in found.intervals.items():
            assert low < found.values[name] < high
        widths.append(np.diff(found.intervals["n3"])[0])
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.4)


def test_an_unknown_measure_is_named_with_those_there_are(points, labels, message_of):
    said = message_of(measure_points, points, labels, ["n1", "n9"])
    assert said.startswith(
        "There is no measure 'n9'. Measures: n1, n1_edges, n2, n3, t1, f1, linear_error, intrinsic_dimension."
    )
    assert message_of(measure_points, points, labels, []).startswith("No measure was named. Measures: n1, ")


def test_every_measure_says_what_it_is():
    for name, measure in MEASURES.items():
        assert measure.name == name
        assert all((measure.what, measure.bounds, measure.meaning, measure.source, measure.cost))
        assert getattr(complexity, name).__doc__
