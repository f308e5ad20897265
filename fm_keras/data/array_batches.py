"""Batches of NumPy arrays, for backends beside which TensorFlow need not be installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
            part = slice(step * plan.batch_size, (step + 1) * plan.batch_size)
            batch = plan.split.take(order[part])
            x = augment_arrays(batch.images, flip[part], shift[part]) if plan.augments else batch.images
            yield (plan.preprocess(x) if plan.preprocess else x), batch.labels


def measuring_batches(
    split: Split, batch_size: int, preprocess: Callable[[Any], Any] | None = None
) -> keras.utils.PyDataset:
    """Batches in order, see `fm_keras.data.measuring_batches`."""
    return _InOrder(split, batch_size, preprocess)


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
