"""What the removal of a unit costs, and which units to remove together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fm_keras.errors import InvalidInput

ContributionsWithout = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_BLOCK_BYTES = 16 * 2**20


def removal_cost(
    logits: np.ndarray, contributions: np.ndarray, labels: np.ndarray, *, outputs: np.ndarray | None = None
) -> np.ndarray:
    """Quality of every unit: the loss that its silence is expected to cost.

    q_u = mean over images n of CE(z_n - c[n, u], y_n) - CE(z_n, y_n), CE the cross-entropy of the softmax.

    Args:
        logits: (N, K) of every image, z.
        contributions: (N, U, K) of every unit to the logits, c; (N, U, M) with `outputs`.
        labels: (N,) true label of every image, y, from 0 to K - 1.
        outputs: (N, M) the outputs of each image that contributions are for, all different: where labels are many,
            its true label and its largest logits.  All other logits stay as they are.

    Returns:
        (U,) float64 in nats.  Negative: the network is better without the unit.

    Raises:
        InvalidInput: shapes or labels that do not fit, or values that are NaN or infinite.

    Source: ours; linear in the loss too it would be the first-order Taylor score of arXiv:1611.06440.
    """
    return image_costs(logits, contributions, labels, outputs=outputs).mean(axis=0, dtype=np.float64)


def image_costs(
    logits: np.ndarray, contributions: np.ndarray, labels: np.ndarray, *, outputs: np.ndarray | None = None
) -> np.ndarray:
    """Loss that the silence of every unit is expected to cost on every image; `removal_cost` is the mean.

    Args:
        logits: (N, K) of every image.
        contributions: (N, U, K) of every unit to the logits; (N, U, M) with `outputs`.
        labels: (N,) true label of every image, from 0 to K - 1.
        outputs: (N, M) the outputs of each image that contributions are for, see `removal_cost`.

    Returns:
        (N, U) in nats; float32 inputs give float32.  A unit without contributions costs exactly 0.

    Raises:
        InvalidInput: shapes or labels that do not fit, or values that are NaN or infinite.
    """
    logits, contributions, labels = np.asarray(logits), np.asarray(contributions), np.asarray(labels)
    _check_labels(labels, logits)
    if outputs is not None:
        outputs = np.asarray(outputs)
        _check_outputs(outputs, logits)
    _check_contributions(contributions, logits, logits if outputs is None else outputs)
    dtype = np.result_type(logits, contributions, np.float32)
    if outputs is not None:
        logits, labels = _merge_others(logits, labels, outputs)
    logits = logits.astype(dtype, copy=False)
    images, units = contributions.shape[:2]
    costs = np.empty((images, units), dtype)
    step = max(1, _BLOCK_BYTES // max(1, units * logits.shape[1] * dtype.itemsize))
    for start in range(0, images, step):
        block = slice(start, start + step)
        costs[block] = _block_costs(logits[block], contributions[block], labels[block])
    return costs


def _block_costs(logits: np.ndarray, contributions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n, U) costs; outputs beyond those of the contributions stay as they are."""
    before = np.ascontiguousarray(logits.T)[:, :, None]
    after = np.repeat(before, contributions.shape[1], axis=2)
    after[: contributions.shape[2]] -= np.moveaxis(contributions, 2, 0)
    return _cross_entropy(after, labels) - _cross_entropy(before, labels)


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n, U) from logits (K, n, U)."""
    largest = logits.max(axis=0)
    true = logits[labels, np.arange(len(labels))]
    powers = logits - largest
    np.exp(powers, out=powers)
    # Added one output after the other, whatever the shape: equal logits have equal losses to the last bit.
    return np.log(sum(powers)) + (largest - true)


def _merge_others(logits: np.ndarray, labels: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, M + 1) of the given outputs and of all others as one, and where the labels are among them."""
    others = logits.astype(np.result_type(logits, np.float32))
    np.put_along_axis(others, outputs, -np.inf, axis=1)
    rest = np.logaddexp.reduce(others, axis=1, keepdims=True)
    merged = np.concatenate([np.take_along_axis(logits, outputs, axis=1), rest], axis=1)
    given = outputs == labels[:, None]
    return merged, np.where(given.any(axis=1), given.argmax(axis=1), outputs.shape[1])


def choose_units(
    contributions_without: ContributionsWithout, labels: np.ndarray | None, count: int, *, rounds: int = 4
) -> np.ndarray:
    """Choose units to remove together, one after the other, each time the one that then costs least.

    Single costs do not add up: units cancel, and stand in for each other.  With S the sum of the contributions that
    were removed in this round, the next unit u has the least mean over images of CE(z - S - c_u, y).  Without labels
    it has the least mean square distance between z - S - c_u and the logits of the whole network, both centered over
    outputs.  Ties: the smaller index.

    Contributions are linear, so they are taken again after every round.  The first n of the returned units are the
    choice for the smaller budget n, made with the rounds of the whole run.

    Args:
        contributions_without: called with the indices of the units removed so far, at first none; gives the logits
            (N, K) and contributions (N, U, K) of the network without them, of the same images every time.  What it
            gives for removed units is left out.
        labels: (N,) true label of every image, from 0 to K - 1; None for the rule without labels.
        count: how many units to remove.
        rounds: how often contributions are computed, each time for an equal share of the removals.

    Returns:
        (count,) int, indices in the order of removal.

    Raises:
        InvalidInput: a count or rounds out of range, shapes or labels that do not fit, values NaN or infinite.

    Source: ours.
    """
    if rounds < 1 or count < 0:
        raise InvalidInput(f"count is {count} and rounds {rounds}; count is at least 0 and rounds at least 1.")
    removed: list[int] = []
    whole = None
    for stop in np.linspace(0, count, min(rounds, count) + 1).round().astype(int)[1:]:
        logits, contributions = map(np.asarray, contributions_without(np.array(removed, int)))
        whole = logits if whole is None else whole
        _check_contributions(contributions, logits, logits)
        if count > contributions.shape[1]:
            raise InvalidInput(f"count is {count}; it must be from 0 to the number of units, {contributions.shape[1]}.")
        rule = _ByChange(logits, contributions, whole) if labels is None else _ByLoss(logits, contributions, labels)
        while len(removed) < stop:
            costs = rule.costs()
            costs[removed] = np.inf
            removed.append(int(costs.argmin()))
            rule.remove(removed[-1])
    return np.array(removed, int)


class _ByLoss:
    """What each next unit adds to the loss, up to a number that is the same for all units.

    sum_k exp(z_k - c_k) = exp(-min c) sum_k exp(z_k) exp(min c - c_k): only exp(z) changes from step to step.
    """

    def __init__(self, logits: np.ndarray, contributions: np.ndarray, labels: np.ndarray) -> None:
        labels = np.asarray(labels)
        _check_labels(labels, logits)
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
        return logs.mean(axis=0, dtype=np.float64) + self._fixed

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


def _check_labels(labels: np.ndarray, logits: np.ndarray) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not labels.size:
        raise InvalidInput(f"logits {logits.shape} and labels {labels.shape} do not fit: they must be (N, K) and (N,).")
    outside = labels[(labels < 0) | (labels >= logits.shape[1])]
    if labels.dtype.kind not in "iu" or outside.size:
        found = f"hold {outside[0]}" if outside.size else f"are {labels.dtype}"
        raise InvalidInput(f"labels {found}; they must be integers from 0 to {logits.shape[1] - 1}, as logits are.")


def _check_outputs(outputs: np.ndarray, logits: np.ndarray) -> None:
    if outputs.ndim != 2 or len(outputs) != len(logits) or outputs.dtype.kind not in "iu":
        raise InvalidInput(f"outputs are {outputs.dtype} {outputs.shape}; they must be integers ({len(logits)}, M).")
    ordered = np.sort(outputs, axis=1)
    inside = (ordered >= 0) & (ordered < logits.shape[1])
    if not inside.all() or (ordered[:, 1:] == ordered[:, :-1]).any():
        raise InvalidInput(f"outputs of an image must be different and from 0 to {logits.shape[1] - 1}.")


def _check_contributions(contributions: np.ndarray, logits: np.ndarray, outputs: np.ndarray) -> None:
    if logits.ndim != 2 or contributions.ndim != 3 or contributions.shape[::2] != outputs.shape or not logits.size:
        raise InvalidInput(
            f"logits {logits.shape} and contributions {contributions.shape} do not fit: they must be (N, K) and "
            f"(N, U, K), or (N, U, M) for outputs (N, M), with at least one image."
        )
    if not np.isfinite(logits).all():
        raise InvalidInput(f"logits of {np.sum(~np.isfinite(logits).all(axis=1))} images are NaN or infinite.")
    finite = np.isfinite(contributions)
    if not finite.all():
        bad = np.sum(~finite.all(axis=(0, 2)))
        raise InvalidInput(f"contributions of {bad} of {finite.shape[1]} units are NaN or infinite: check the network.")
