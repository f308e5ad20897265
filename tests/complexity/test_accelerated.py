import keras
import numpy as np
import pytest

from fm_keras.complexity import MEASURES, measure_points, neighborhood, plan_tree
from fm_keras.complexity.accelerated import DeviceCloud, choose_cloud
from fm_keras.complexity.distances import Cloud

from .conftest import points_of


def parts(found):
    tree = [found.tree.edges, found.tree.lengths]
    return [found.same.index, found.same.distance, found.other.index, found.other.distance, *tree]


@pytest.mark.parametrize("memory_limit", [2.0, 1e-6])
def test_the_device_finds_the_same_neighbors_and_tree_to_the_bit(kind, memory_limit, small_tiles):
    rng = np.random.default_rng(1)
    points, labels = points_of(kind, 60, rng), rng.integers(0, 3, 60)

    host, device = (
        neighborhood(points, labels, memory_limit=memory_limit, cloud_type=each) for each in (Cloud, DeviceCloud)
    )

    assert plan_tree(60, 4, memory_limit).method == ("prim" if memory_limit > 1 else "boruvka")
    for one, other in zip(parts(host), parts(device)):
        np.testing.assert_array_equal(one, other)


def test_all_measures_are_the_same_to_the_bit(kind):
    rng = np.random.default_rng(2)
    points, labels = points_of(kind, 80, rng), rng.integers(0, 3, 80)

    host, device = (measure_points(points, labels, list(MEASURES), cloud_type=each) for each in (Cloud, DeviceCloud))

    assert host.values == pytest.approx(device.values, rel=0, abs=0, nan_ok=True)
    assert host.failed == device.failed


def test_blocks_come_from_the_device(monkeypatch):
    asked, usual = [], keras.ops.matmul
    monkeypatch.setattr("keras.ops.matmul", lambda one, other: asked.append(one.shape) or usual(one, other))

    neighborhood(np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 2, cloud_type=DeviceCloud)

    assert asked == [(30, 6)]


def test_the_device_is_chosen_where_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr("fm_keras.complexity.accelerated.has_gpu", lambda: True)
    assert choose_cloud() is DeviceCloud
    monkeypatch.setattr("fm_keras.complexity.accelerated.has_gpu", lambda: False)
    assert choose_cloud() is Cloud


def test_the_digits_of_the_backend_are_left_as_they_were():
    def digits():
        if keras.backend.backend() == "jax":
            import jax

            return jax.config.jax_default_matmul_precision
        import tensorflow as tf

        return tf.config.experimental.tensor_float_32_execution_enabled()

    before = digits()
    neighborhood(np.eye(5), np.arange(5) % 2, cloud_type=DeviceCloud)
    assert digits() == before
