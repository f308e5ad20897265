import tracemalloc
from itertools import product

import numpy as np
import pytest

from fm_keras.complexity import MEASURES, measure_points
from fm_keras.complexity.neighbors import neighborhood
from fm_keras.complexity.plan import plan_measures, plan_tree


def peak_of(function, *arguments):
    """Bytes that a call takes at most."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_prim_is_taken_up_to_what_the_memory_holds():
    assert plan_tree(10_000, 512).method == "prim"
    assert plan_tree(10_000, 512, memory_limit=0.2).method == "boruvka"
    assert plan_tree(50_000, 512).method == "boruvka"
    assert plan_tree(50_000, 512, memory_limit=20).method == "prim"


def test_the_limit_is_kept_or_nothing_takes_less():
    for points, width, limit in product((2, 500, 3000, 10_000, 50_000), (1, 512, 65_536), (1e-9, 0.05, 0.5, 2.0)):
        plan, least = plan_tree(points, width, limit), plan_tree(points, width, 1e-12)
        assert plan.memory <= limit * 1e9 or plan == least
        assert plan.memory >= least.memory


def test_points_of_many_coordinates_are_not_held_twice():
    plan = plan_tree(10_000, 65_536)

    assert plan.method == "prim"
    assert plan.memory < 0.6e9  # the points themselves take 2.6 GB


def test_fifty_thousand_points_of_512_take_less_than_a_tenth_of_a_gigabyte():
    assert plan_tree(50_000, 512).memory < 0.1e9


def test_the_tree_takes_the_memory_that_its_plan_says(method, rng):
    points, labels = rng.normal(size=(3000, 200)).astype(np.float32), rng.integers(0, 10, 3000)
    plan = plan_tree(3000, 200, 2.0 if method == "prim" else 0.068)

    peak = peak_of(neighborhood, points, labels)

    assert plan.method == method
    assert 0.3 * plan.memory < peak < 1.2 * plan.memory


def test_of_wide_points_no_copy_is_made(method, rng, monkeypatch):
    for module in ("distances", "plan"):
        monkeypatch.setattr(f"fm_keras.complexity.{module}.TILE", 100)
    points = rng.normal(size=(200, 20_000)).astype(np.float32)

    peak = peak_of(neighborhood, points, np.arange(200) % 2)

    assert peak < points.nbytes / 2


@pytest.mark.parametrize("names", [*([name] for name in MEASURES), ["n3", "t1", "linear_error"]])
def test_measures_take_the_memory_that_their_plan_says(names, rng):
    points, labels = rng.normal(size=(2500, 300)).astype(np.float32), np.arange(2500) % 2

    peak = peak_of(measure_points, points, labels, names)

    method, memory = plan_measures(names, 2500, 300, 1250)
    assert method == ("prim" if names[0].startswith("n1") else None)
    assert 0.2 * memory < peak < 1.2 * memory


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_that_is_no_amount_of_memory_is_refused(limit, message_of):
    assert message_of(plan_tree, 10, 2, limit) == f"The memory limit must be a positive number of GB; received {limit}."
