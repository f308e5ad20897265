"""Which units to remove together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.filters.removal import check_contributions, check_labels

ContributionsWithout = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Savings = Callable[[np.ndarray], np.ndarray]


def choose_units(
    contributions_without: ContributionsWithout,
    labels: np.ndarray | None,
    count: int,
    *,
    rounds: int = 4,
    groups: np.ndarray | None = None,
    quotas: np.ndarray | None = None,
    savings: Savings | None = None,
) -> np.ndarray:
    """Choose units to remove together, one after the other, each time the one that then costs least.

    Single costs do not add up: units cancel, and stand in for each other.  With S the sum of the contributions that
    were removed in this round, the next unit u has the least mean over images of CE(z - S - c_u, y).  Without labels
    it has the least mean square distance between z - S - c_u and the logits of the whole network, both centered over
    outputs.  Ties: the smaller index.

    Contributions are linear, so they are taken again after every round.  The first n of the returned units are the
    choice for the smaller budget n, made with the rounds of the whole run.

    With `savings` units compete by what they cost for what they save: the increase of the loss, or of the distance,
    divided by the saving.  Those whose removal costs less than nothing come first, by their cost alone.

    Args:
        contributions_without: called with the indices of the units removed so far, at first none; gives the logits
            (N, K) and contributions (N, U, K) of the network without them, of the same images every time.  What it
            gives for removed units is left out.
        labels: (N,) true label of every image, from 0 to K - 1; None for the rule without labels.
        count: how many units to remove; with `savings`, how much to save at least.
        rounds: how often contributions are computed, each time for an equal share of the removals.
        groups: (U,) number of the group that each unit belongs to, a layer for example.
        quotas: (G,) how many units of each group may go at most; goes with `groups`.
        savings: called with the indices of the units removed so far; gives (U,) what the removal of each unit saves.

    Returns:
        (count,) int, indices in the order of removal; with `savings` as many as it takes.

    Raises:
        InvalidInput: a count or rounds out of range, shapes or labels that do not fit, values NaN or infinite, quotas
            that leave too few units to choose from.

    Source: ours.
    """
    if rounds < 1 or count < 0:
        raise InvalidInput(f"count is {count} and rounds {rounds}; count is at least 0 and rounds at least 1.")
    closed = _no_limits if quotas is None else partial(_full_groups, *_as_limits(groups, quotas))
    removed: list[int] = []
    whole, saved = None, 0
    for stop in np.linspace(0, count, int(min(rounds, count)) + 1).round()[1:]:
        if saved >= stop:
            continue
        logits, contributions = map(np.asarray, contributions_without(np.array(removed, int)))
        whole = logits if whole is None else whole
        check_contributions(contributions, logits, logits)
        if savings is None:
            _check_count(count, contributions.shape[1], groups, quotas)
        rule = _ByChange(logits, contributions, whole) if labels is None else _ByLoss(logits, contributions, labels)
        while saved < stop:
            each = np.ones(contributions.shape[1], int) if savings is None else savings(np.array(removed, int))
            costs = rule.costs() if savings is None else _cost_per_saving(rule.costs(), each)
            costs[removed] = np.inf
            costs[closed(removed)] = np.inf
            unit = int(costs.argmin())
            if np.isinf(costs[unit]):
                raise InvalidInput(f"All units that may go save {saved:g}, and {count:g} is asked for: ask for less.")
            removed.append(unit)
            rule.remove(unit)
            saved += each[unit]
    return np.array(removed, int)


class _ByLoss:
    """What each next unit adds to the loss.

    sum_k exp(z_k - c_k) = exp(-min c) sum_k exp(z_k) exp(min c - c_k): only exp(z) changes from step to step.
    """

    def __init__(self, logits: np.ndarray, contributions: np.ndarray, labels: np.ndarray) -> None:
        labels = np.asarray(labels)
        check_labels(labels, logits)
        self._logits, self._contributions = logits, contributions
        by_output = _by_output(contributions)
        least = by_output.min(axis=0)
        true = by_output[labels, np.arange(len(labels))]
        self._fixed = (true - least).mean(axis=0, dtype=np.float64)
        self._powers = np.exp(np.subtract(least, by_output, out=by_output), out=by_output)

    def costs(self) -> np.ndarray:
        weights = np.exp(self._logits - self._logits.max(axis=1, keepdims=True))
        sums = _sum_over_outputs(weights.T, self._powers)
        # A sum that underflows stands for a loss beyond -log(tiny), 87 nats in float32.
        logs = np.log(np.maximum(sums, np.finfo(sums.dtype).tiny))
        now = np.log(weights.sum(axis=1)).mean(dtype=np.float64)
        return logs.mean(axis=0, dtype=np.float64) + self._fixed - now

    def remove(self, unit: int) -> None:
        self._logits = self._logits - self._contributions[:, unit]


class _ByChange:
    """What each next unit adds to the square distance from the whole network's logits, summed over outputs.

    With d that distance so far: |d - c|^2 - |d|^2 = |c|^2 - 2 d c, and removing c takes c from d.
    """

    def __init__(self, logits: np.ndarray, contributions: np.ndarray, whole: np.ndarray) -> None:
        if logits.shape != whole.shape:
            raise InvalidInput(f"logits have shape {logits.shape}, those of the whole network {whole.shape}.")
        self._centered = _by_output(contributions)
        self._centered -= self._centered.mean(axis=0)
        # Contributions are centered, so only the centered part of the distance counts.
        squares = np.einsum("knu,knu->nu", self._centered, self._centered).mean(axis=0, dtype=np.float64)
        self._costs = squares - 2 * self._products((logits - whole).T)

    def costs(self) -> np.ndarray:
        return self._costs.copy()

    def remove(self, unit: int) -> None:
        self._costs += 2 * self._products(self._centered[:, :, unit])

    def _products(self, logits: np.ndarray) -> np.ndarray:
        return _sum_over_outputs(logits, self._centered).mean(axis=0, dtype=np.float64)


def _by_output(contributions: np.ndarray) -> np.ndarray:
    """A copy (K, N, U): sums over outputs then run along contiguous units."""
    return np.moveaxis(contributions, 2, 0).astype(np.result_type(contributions, np.float32), order="C")


def _sum_over_outputs(weights: np.ndarray, by_output: np.ndarray) -> np.ndarray:
    """(N, U) from (K, N) and (K, N, U).  Not matmul: BLAS rounds equal units differently, and ties would break."""
    return np.einsum("kn,knu->nu", np.ascontiguousarray(weights, by_output.dtype), by_output)


def _cost_per_saving(costs: np.ndarray, savings: np.ndarray) -> np.ndarray:
    """Costs as they are where they are negative; what saves nothing does not go."""
    per_saving = np.full(len(costs), np.inf)
    return np.divide(costs, np.where(costs > 0, savings, 1), out=per_saving, where=savings > 0)


def _no_limits(removed: list[int]) -> list[int]:
    return []


def _full_groups(groups: np.ndarray, quotas: np.ndarray, removed: list[int]) -> np.ndarray:
    """(U,) whether a unit belongs to a group that has lost its quota."""
    return (np.bincount(groups[removed], minlength=len(quotas)) >= quotas)[groups]


def _as_limits(groups: np.ndarray | None, quotas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    groups, quotas = np.asarray([] if groups is None else groups), np.asarray(quotas)
    if not groups.size or groups.dtype.kind not in "iu" or not 0 <= groups.min() <= groups.max() < len(quotas):
        raise InvalidInput(f"groups must be the number of each unit's group, from 0 to {len(quotas) - 1}.")
    return groups, quotas


def _check_count(count: int, units: int, groups: np.ndarray | None, quotas: np.ndarray | None) -> None:
    if count > units:
        raise InvalidInput(f"count is {count}; it must be from 0 to the number of units, {units}.")
    if quotas is not None:
        most = int(np.minimum(quotas, np.bincount(groups, minlength=len(quotas))).sum())
        if count > most:
            raise InvalidInput(f"count is {count}, but the quotas of all groups let {most} units go.")
