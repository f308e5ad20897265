"""The field that each unit puts on each output, and which of its elements count."""

from __future__ import annotations

import math

import numpy as np

from fm_keras.errors import InvalidInput


def filter_fields(class_means: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Field that each unit puts on each output, averaged over the inputs of each label.

    F[u, i, j] = sum over positions p of class_means[i, p, u] * kernel[p, u, j].

    Args:
        class_means: (K, *P, U) mean activation of every label, positions P (none, tokens, or height and width).
        kernel: (*P, U, K) weights of the probe's bias-free Dense layer.

    Returns:
        (U, K, K) fields in logits: [unit, label of the input, output].  Summed over units they are the mean logits.
        float32 inputs give float32, float64 gives float64.

    Raises:
        InvalidInput: the two shapes do not belong together.

    Source: single filter performance, arXiv:2305.18078.
    """
    class_means, kernel = np.asarray(class_means), np.asarray(kernel)
    if kernel.ndim < 2 or class_means.shape != (kernel.shape[-1], *kernel.shape[:-1]):
        raise InvalidInput(
            f"class_means {class_means.shape} and kernel {kernel.shape} do not fit: "
            f"they must be (K, *P, U) and (*P, U, K) with the same labels K, positions P and units U."
        )
    units, labels = kernel.shape[-2:]
    positions = math.prod(kernel.shape[:-2])
    dtype = np.result_type(class_means, kernel, np.float32)
    # The probe is linear: averaging first gives the same fields for one pass over the data.
    means = class_means.reshape(labels, positions, units).transpose(2, 0, 1)
    weights = kernel.reshape(positions, units, labels).transpose(1, 0, 2)
    # Contiguous rows keep matmul on BLAS.
    return np.ascontiguousarray(means, dtype) @ np.ascontiguousarray(weights, dtype)


def threshold_fields(fields: np.ndarray, threshold: float = 0.3) -> np.ndarray:
    """Elements of each unit's field above a share of the unit's own largest element.

    B = F / max F > threshold, strictly, in the arithmetic of `fields`.  A unit without a positive field has none:
    dividing by a negative maximum would flip the signs and fake one perfect cluster.

    Args:
        fields: (U, K, K) fields in logits.
        threshold: share of the largest element, between 0 and 1.

    Returns:
        (U, K, K) bool.

    Raises:
        InvalidInput: a wrong shape, a threshold outside (0, 1), or fields that are NaN or infinite.

    Source: arXiv:2305.18078, where the threshold is 0.3.
    """
    fields = np.asarray(fields)
    check_square("fields", fields)
    if not 0 < threshold < 1:
        raise InvalidInput(f"threshold is {threshold}; it is a share of the largest field, between 0 and 1, e.g. 0.3.")
    bad = np.flatnonzero(~np.isfinite(fields).all(axis=(1, 2)))
    if bad.size:
        shown = ", ".join(map(str, bad[:5])) + (f" and {bad.size - 5} more" if bad.size > 5 else "")
        raise InvalidInput(f"fields of unit {shown} are NaN or infinite; check the class means and the probe's kernel.")
    largest = fields.max(axis=(1, 2), keepdims=True, initial=0)
    # Negative elements never count; clipped, they cannot overflow where the largest is tiny.
    return np.maximum(fields, 0) / np.where(largest > 0, largest, 1) > float(threshold)


def check_square(name: str, array: np.ndarray) -> None:
    """Raise InvalidInput unless `array` is (U, K, K)."""
    if array.ndim != 3 or array.shape[1] != array.shape[2]:
        raise InvalidInput(f"{name} has shape {array.shape}; it must be (U, K, K): unit, label of the input, output.")
