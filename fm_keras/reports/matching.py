"""Which filter of one network does what a filter of another does: matched by their field matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fm_keras.analysis import LayerFilters
from fm_keras.errors import InvalidInput

SHUFFLES = 3
_BLOCK_BYTES = 64e6


@dataclass(frozen=True, eq=False)
class Match:
    """The filters of a layer in one network, each with its own in another."""

    partner: np.ndarray
    """(U,) number of the filter in the other network"""
    similarity: np.ndarray
    """(U,) cosine of the two fields, from -1 to 1"""
    at_random: float
    """mean similarity if filters were matched at random"""
    by_chance: float
    """mean similarity of the best match after the labels of the other network were shuffled"""


def match_filters(first: LayerFilters, other: LayerFilters, *, seed: int = 0) -> Match:
    """Match the filters of a layer in two networks one to one, so that the similarity of their fields is largest.

    Networks from different seeds learn their filters in different order.  The best match is an assignment problem.
    The best of many possible matches is never bad: how similar filters are that have nothing to do with each other
    shows after the labels of one network were shuffled, which leaves all else as it is.

    Args:
        first: the layer in one network.
        other: a layer of as many units in another, with fields of the same labels.
        seed: of the shuffled labels.

    Raises:
        InvalidInput: layers of different numbers of units or labels.

    Source: ours; the assignment is that of doi:10.1109/TAES.2016.140952, as SciPy has it.
    """
    if first.cluster_of.shape != other.cluster_of.shape:
        raise InvalidInput(f"{first!r} and {other!r} do not match: units and labels must be as many.")
    rng = np.random.default_rng(seed)
    labels = first.cluster_of.shape[1]
    similarity = field_similarity(first, other)
    partner = best_assignment(similarity)
    matched = similarity[np.arange(len(first)), partner]
    chance = [_best_mean(field_similarity(first, other, order=rng.permutation(labels))) for _ in range(SHUFFLES)]
    return Match(partner, matched, float(similarity.mean()), float(np.mean(chance)))


def field_similarity(first: LayerFilters, other: LayerFilters, *, order: np.ndarray | None = None) -> np.ndarray:
    """Cosine between the field matrices of all pairs of units.

    Fields are taken as they are.  A VGG-16 on CIFAR-10 that was probed twice, from other images, has every filter
    matched with itself as well when the means of rows and columns are taken out, but there the other pairs look more
    alike: 0.11 to 0.51 on average by layer, where it is 0.05 to 0.11 as they are.

    Args:
        first: U units.
        other: V units with fields of the same labels.
        order: (K,) numbers of the labels of `other` that stand in place of 0, 1, ...; as they are if None.

    Returns:
        (U, V) from -1 to 1.  A field of zeros is like another one (1) and unlike all others (0).

    Source: ours.
    """
    products = np.zeros((len(first), len(other)))
    squares = [np.zeros((len(first), 1)), np.zeros((1, len(other)))]
    labels = first.cluster_of.shape[1]
    for a, b in zip(_field_rows(first, np.arange(labels)), _field_rows(other, order)):
        products += a @ b.T
        squares[0] += np.square(a).sum(axis=1, keepdims=True, dtype=np.float64)
        squares[1] += np.square(b).sum(axis=1, dtype=np.float64)
    norms = np.sqrt(squares[0]) * np.sqrt(squares[1])
    alike = (squares[0] == squares[1]).astype(float)
    return np.clip(np.divide(products, norms, out=alike, where=norms > 0), -1, 1)


def best_assignment(similarity: np.ndarray) -> np.ndarray:
    """Column of each row, no column twice, such that the sum of similarities is largest.

    Args:
        similarity: (U, U).

    Returns:
        (U,) numbers of columns.
    """
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(similarity, maximize=True)[1]


def _best_mean(similarity: np.ndarray) -> float:
    return float(similarity[np.arange(len(similarity)), best_assignment(similarity)].mean())


def _field_rows(filters: LayerFilters, order: np.ndarray | None) -> Iterator[np.ndarray]:
    """Fields of all units, flat, some labels of the input at a time: what (U, K, K) would hold can be gigabytes."""
    units, labels = filters.cluster_of.shape
    order = np.arange(labels) if order is None else order
    size = max(1, int(_BLOCK_BYTES / (4 * units * labels)))
    if filters.held is None:
        means = filters.class_means.transpose(2, 0, 1)
        kernel = np.ascontiguousarray(filters.kernel.transpose(1, 0, 2)[..., order])
    for first in range(0, labels, size):
        rows = order[first : first + size]
        block = means[:, rows] @ kernel if filters.held is None else filters.held[:, rows][..., order]
        yield block.reshape(units, -1)
