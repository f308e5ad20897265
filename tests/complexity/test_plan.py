import tracemalloc

import numpy as np
import pytest

from fm_keras.complexity.neighbors import neighborhood
from fm_keras.complexity.plan import plan_tree


def test_prim_is_taken_up_to_what_the_memory_holds():
    assert plan_tree(10_000, 512).method == "prim"
    assert plan_tree(10_000, 512, memory_limit=0.2).method == "boruvka"
    assert plan_tree(50_000, 512).method == "boruvka"
    assert plan_tree(50_000, 512, memory_limit=20).method == "prim"


def test_fifty_thousand_points_of_512_take_less_than_one_and_a_half_gigabytes():
    assert plan_tree(50_000, 512).memory < 1.5e9


@pytest.mark.parametrize("memory_limit", [2.0, 1e-9])
def test_the_memory_taken_is_what_the_plan_says(memory_limit, rng):
    points, labels = rng.normal(size=(3000, 200)).astype(np.float32), rng.integers(0, 10, 3000)
    plan = plan_tree(3000, 200, memory_limit)

    tracemalloc.start()
    neighborhood(points, labels, memory_limit=memory_limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1.5 * plan.memory


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_that_is_no_amount_of_memory_is_refused(limit, message_of):
    assert message_of(plan_tree, 10, 2, limit) == f"The memory limit must be a positive number of GB; received {limit}."
