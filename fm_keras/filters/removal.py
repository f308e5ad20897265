"""What the removal of a unit costs."""

from __future__ import annotations

import numpy as np

from fm_keras.errors import InvalidInput

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
    check_labels(labels, logits)
    if outputs is not None:
        outputs = np.asarray(outputs)
        _check_outputs(outputs, logits)
    check_contributions(contributions, logits, logits if outputs is None else outputs)
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


def check_labels(labels: np.ndarray, logits: np.ndarray) -> None:
    """Refuse labels (N,) that are not those of the logits (N, K)."""
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


def check_contributions(contributions: np.ndarray, logits: np.ndarray, outputs: np.ndarray) -> None:
    """Refuse contributions (N, U, M) that are no numbers, or not those to the outputs (N, M) of the logits."""
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
