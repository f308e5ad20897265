"""Backward elimination: which inputs a linear map misses least, when the others stand in for them by least squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class LinearReader:
    """A linear map, as far as inputs have been removed from it and the others refitted.

    Without the inputs g of a map W, least squares on the others leave the squared error tr(W_g' (C^-1)_gg^-1 W_g),
    where C is the covariance of the inputs; W and C^-1 without them follow in closed form.

    Args:
        covariance: (F, F) of the inputs.
        kernel: (F, O) columns scaled by the root of what an error of each output costs.
        features: (bundles, f) numbers of the inputs that each bundle stands for.

    Source: optimal brain surgeon, Hassibi and Stork, NIPS 1992; here for groups of inputs.
    """

    def __init__(self, covariance: np.ndarray, kernel: np.ndarray, features: np.ndarray) -> None:
        self._inverse = np.linalg.inv(covariance)
        self._kernel = kernel.copy()
        self._features = features

    def costs(self, bundles: np.ndarray) -> np.ndarray:
        """Squared error that removing each of some bundles adds."""
        features = self._features[bundles]
        rows = self._kernel[features]
        blocks = self._inverse[features[:, :, None], features[:, None, :]]
        return np.einsum("bfo,bfo->b", rows, np.linalg.solve(blocks, rows))

    def remove(self, bundle: int) -> None:
        """Remove a bundle, the others taking over."""
        features = self._features[bundle]
        columns = self._inverse[:, features]
        given = np.concatenate([self._inverse[features], self._kernel[features]], axis=1)
        solved = np.linalg.solve(self._inverse[np.ix_(features, features)], given)
        self._inverse = self._inverse - columns @ solved[:, : len(columns)]
        self._kernel = self._kernel - columns @ solved[:, len(columns) :]


def eliminate(readers: Sequence[LinearReader], bundles: int) -> np.ndarray:
    """Remove the bundle that costs all readers least, again and again.

    Args:
        readers: maps that read the bundles; they are used up.
        bundles: how many there are.

    Returns:
        (bundles,) what the removal of each cost when its turn came, and at least as much as that of those before it:
        who sorts by it has the order of removal.
    """
    left, costs, highest = np.arange(bundles), np.zeros(bundles), 0.0
    while len(left):
        each = sum(reader.costs(left) for reader in readers)
        place = int(np.argmin(each))
        costs[left[place]] = highest = max(highest, float(each[place]))
        for reader in readers:
            reader.remove(left[place])
        left = np.delete(left, place)
    return costs
