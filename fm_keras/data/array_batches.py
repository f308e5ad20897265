"""Batches of NumPy arrays, for backends beside which TensorFlow need not be installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from fm_keras.data.augment import augment_arrays, draw_epoch
from fm_keras.data.batches import TrainingPlan, count_batches
from fm_keras.data.datasets import Images, Split


def training_batches(plan: TrainingPlan) -> Iterator[tuple[Images, np.ndarray]]:
    """Batches of all epochs of the plan, see `fm_keras.data.training_batches`.

    A generator, because `fit` would shuffle the batches of a PyDataset across epochs.
    """
    for epoch in range(plan.first_epoch, plan.epochs):
        order, flip, shift = draw_epoch(
            len(plan.split), seed=plan.seed, epoch=epoch, flip=plan.flip, max_shift=plan.max_shift
        )
        for step in range(plan.steps_per_epoch):
            part = slice(step * plan.batch_size, min((step + 1) * plan.batch_size, plan.images))
            batch = plan.split.take(order[part])
            x = augment_arrays(batch.images, flip[part], shift[part]) if plan.augments else batch.images
            yield (plan.preprocess(x) if plan.preprocess else x), batch.labels


def measuring_batches(
    split: Split, batch_size: int, preprocess: Callable[[Any], Any] | None = None
) -> keras.utils.PyDataset:
    """Batches in order, see `fm_keras.data.measuring_batches`."""
    return _InOrder(split, batch_size, preprocess)


def filled_batches(batches: Iterable, devices: int, weight: float | None = None) -> Iterable:
    """Batches that devices share evenly, see `fm_keras.data.filled_batches`, with a weight for images of your own."""
    if isinstance(batches, keras.utils.PyDataset):
        return _Filled(batches, devices, weight)
    return (_fill(*batch, devices, weight) for batch in batches)


def _fill(x: Images, y: np.ndarray, devices: int, weight: float | None) -> tuple:
    images, missing = len(y), -len(y) % devices
    x, y = keras.tree.map_structure(lambda each: np.concatenate([each, np.repeat(each[-1:], missing, 0)]), (x, y))
    weights = np.zeros(len(y), np.float32)
    weights[:images] = len(y) / images if weight is None else weight
    return x, y, weights


class _Filled(keras.utils.PyDataset):
    """The batches of another, filled up."""

    def __init__(self, batches: keras.utils.PyDataset, devices: int, weight: float | None) -> None:
        super().__init__()
        self._batches, self._devices, self._weight = batches, devices, weight

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Images, np.ndarray, np.ndarray]:
        return _fill(*self._batches[index], self._devices, self._weight)


class _InOrder(keras.utils.PyDataset):
    """Batches of a split, one after another."""

    def __init__(self, split: Split, batch_size: int, preprocess: Callable[[Any], Any] | None) -> None:
        super().__init__()
        self._split, self._batch_size, self._preprocess = split, batch_size, preprocess

    def __len__(self) -> int:
        return count_batches(len(self._split), self._batch_size)

    def __getitem__(self, index: int) -> tuple[Images, np.ndarray]:
        if index >= len(self):
            raise IndexError(index)
        batch = self._split.take(slice(index * self._batch_size, (index + 1) * self._batch_size))
        return (self._preprocess(batch.images) if self._preprocess else batch.images), batch.labels
