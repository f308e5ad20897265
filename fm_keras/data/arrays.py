"""A data set from what a user holds in memory: arrays, named inputs, or a tf.data.Dataset that is read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fm_keras.data.datasets import Dataset, Images, Split
from fm_keras.data.selection import hold_out
from fm_keras.errors import InvalidInput

if TYPE_CHECKING:
    import tensorflow as tf


def as_dataset(
    x: Images | tf.data.Dataset,
    y: np.ndarray | None = None,
    *,
    test: tuple[Images, np.ndarray] | tf.data.Dataset | None = None,
    label_names: Sequence[str] | None = None,
    name: str = "arrays",
    seed: int = 0,
) -> Dataset:
    """Data set of the user's own arrays.

    Args:
        x: (N, ...) array or dict of named (N, ...) inputs, as the model takes them; or a finite, batched
            `tf.data.Dataset` of (x, y), which is read once and held in memory.
        y: (N,) or (N, 1) whole numbers from 0, or (N, K) one-hot; None for a `tf.data.Dataset`.
        test: (x, y), or a `tf.data.Dataset`, to measure on.  Without it a seeded, stratified fifth of the arrays is
            held out; a `tf.data.Dataset` needs it.
        label_names: K names; without them the labels' numbers.
        name: name of the data set.
        seed: seed of the fifth that is held out.

    Raises:
        InvalidInput: labels that are neither whole numbers nor one-hot, lengths or shapes that do not fit, a
            `tf.data.Dataset` that is endless, not batched, or comes without `test`.
    """
    if _is_pipeline(x) and test is None:
        raise InvalidInput("A tf.data.Dataset cannot be split: give the images to measure on as test=.")
    given, columns = _split(x, y)
    if test is None:
        train, held_out = hold_out(given, seed=seed)
    else:
        train = given
        held_out, more = _split(test, None) if _is_pipeline(test) else _split(*test)
        columns = max(columns, more)
    if label_names is None:
        label_names = tuple(str(label) for label in range(columns))
    return Dataset(name, train, held_out, tuple(label_names))


def label_numbers(y: np.ndarray) -> tuple[np.ndarray, int]:
    """Labels (N,) as whole numbers, and how many there can be: columns of one-hot labels, else the largest plus one.

    Raises:
        InvalidInput: neither whole numbers nor one-hot.
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise InvalidInput(f"Labels of shape {labels.shape} must be one-hot: a single 1 in every row, else 0.")
        return labels.argmax(axis=1), labels.shape[1]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        received = f"{labels.dtype} of shape {labels.shape}"
        raise InvalidInput(f"Labels must be whole numbers (N,) or one-hot (N, K); received {received}.")
    return labels, int(labels.max(initial=-1)) + 1


def _split(x: Images | tf.data.Dataset, y: np.ndarray | None) -> tuple[Split, int]:
    if _is_pipeline(x):
        x, y = _read_pipeline(x)
    if y is None:
        raise InvalidInput("Labels are missing: give x and y.")
    labels, count = label_numbers(y)
    return Split(x, labels), count


def _is_pipeline(x: object) -> bool:
    return hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator")


def _read_pipeline(pipeline: tf.data.Dataset) -> tuple[Images, np.ndarray]:
    """All batches of a tf.data.Dataset, joined."""
    spec = pipeline.element_spec
    if not (isinstance(spec, tuple) and len(spec) == 2):
        raise InvalidInput(f"The tf.data.Dataset must give pairs (x, y); its elements are {spec}.")
    if len(spec[1].shape) == 0:
        raise InvalidInput("The tf.data.Dataset gives single images; batch it: dataset.batch(100).")
    if int(pipeline.cardinality()) == -1:
        raise InvalidInput("The tf.data.Dataset has no end; leave out .repeat(), or end it with .take(batches).")
    batches = list(pipeline.as_numpy_iterator())
    if not batches:
        raise InvalidInput("The tf.data.Dataset gives no batch.")
    xs, ys = zip(*batches)
    if isinstance(xs[0], Mapping):
        return {name: np.concatenate([x[name] for x in xs]) for name in xs[0]}, np.concatenate(ys)
    return np.concatenate(xs), np.concatenate(ys)
