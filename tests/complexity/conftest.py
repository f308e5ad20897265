"""Points of many kinds, and what a slow, literal reading of the definitions makes of them."""

from itertools import combinations

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.complexity import TreePlan
from fm_keras.data import Dataset, Split

KINDS = ("random", "clustered", "duplicates", "grid", "far away", "bytes", "one place")


def points_of(kind, count, rng, width=4):
    """Points of one kind, which differ in how often distances are equal and how badly float32 holds them."""
    if kind == "random":
        return rng.normal(size=(count, width))
    if kind == "clustered":
        return (rng.integers(0, 4, (count, 1)) * 10 + rng.normal(size=(count, width))).astype(np.float32)
    if kind == "duplicates":  # half of them clipped to zero in every coordinate, as dead units are
        return np.maximum(rng.normal(size=(count, width)) - 3 * rng.integers(0, 2, (count, 1)), 0).astype(np.float32)
    if kind == "grid":
        return rng.integers(0, 3, (count, width))
    if kind == "far away":
        return rng.normal(size=(count, width)) * 1e-3 + 1e4
    if kind == "bytes":
        return rng.integers(0, 256, (count, width)).astype(np.uint8)
    return np.ones((count, width))


def all_squared(points):
    """(N, N) squared distances in float64, one pair at a time."""
    apart = points[:, None].astype(float) - points[None].astype(float)
    return np.square(apart).sum(axis=2)


def kruskal(points):
    """Edges of the tree, by length and then by points."""
    squared = all_squared(points)
    tree, part = [], list(range(len(points)))
    for low, high in sorted(combinations(part, 2), key=lambda edge: (squared[edge], *edge)):
        if part[low] != part[high]:
            tree.append((low, high))
            part = [part[low] if each == part[high] else each for each in part]
    return tree


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def small_tiles(monkeypatch):
    """Blocks of seven points, so that a few points make many."""
    for module in ("distances", "plan"):
        monkeypatch.setattr(f"fm_keras.complexity.{module}.TILE", 7)


@pytest.fixture(params=["prim", "boruvka"])
def method(request, monkeypatch):
    """Either way to the tree, however many points there are."""
    plan = lambda points, width, limit: TreePlan(request.param, 0, points, width)  # noqa: E731
    monkeypatch.setattr("fm_keras.complexity.neighbors.plan_tree", plan)
    return request.param


@pytest.fixture(scope="module")
def dataset():
    """Three classes of small gray images."""
    rng = np.random.default_rng(0)

    def split(count):
        labels = np.arange(count) % 3
        noise = rng.normal(size=(count, 6, 6, 1)) * 2
        return Split((noise + labels[:, None, None, None]).astype(np.float32), labels)

    return Dataset("small", split(90), split(60), ("a", "b", "c"))


@pytest.fixture(scope="module")
def model():
    """Convolution, pool and one hidden layer, untrained."""
    keras.utils.set_random_seed(0)
    head = [layers.Flatten(), layers.Dense(5, activation="relu", name="hidden"), layers.Dense(3)]
    conv = layers.Conv2D(4, 3, activation="relu", name="conv")
    return keras.Sequential([keras.Input((6, 6, 1)), conv, layers.MaxPooling2D(), *head])
