"""Batches for training and measuring: tf.data under the TensorFlow backend, NumPy under any other.

Everything is stateless: the images, their order and their augmentation in a batch follow from the seed, the epoch and
the number of the batch alone, so training that goes on at epoch e sees what it would have seen without a break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fm_keras.data.datasets import Split
from fm_keras.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """Which batches training sees, see `training_batches`."""

    split: Split
    batch_size: int
    seed: int
    epochs: int
    first_epoch: int
    flip: bool
    max_shift: int
    devices: int
    preprocess: Callable[[Any], Any] | None

    def __post_init__(self) -> None:
        if self.batch_size % self.devices:
            less = self.batch_size // self.devices * self.devices
            sizes = " or ".join(str(size) for size in (less, less + self.devices) if size)
            batch = f"A batch of {self.batch_size} images cannot be split evenly over {self.devices} devices"
            raise InvalidInput(f"{batch}; a batch size of {sizes} can.")
        if self.images == 0:
            raise InvalidInput(f"{len(self.split)} images are fewer than {self.devices} devices; give more images.")

    @property
    def augments(self) -> bool:
        """Whether images are flipped or shifted: only pictures (N, H, W, C) are."""
        return self.split.holds_pictures and (self.flip or self.max_shift > 0)

    @property
    def images(self) -> int:
        """Images in one epoch: of the last batch as many as the devices can share evenly."""
        return len(self.split) // self.devices * self.devices

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one epoch."""
        return count_batches(self.images, self.batch_size)


def training_batches(
    split: Split,
    *,
    batch_size: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    flip: bool = False,
    max_shift: int = 0,
    devices: int = 1,
    preprocess: Callable[[Any], Any] | None = None,
) -> Iterable:
    """Shuffled, augmented batches (x, labels) of the epochs first_epoch..epochs-1, one after another.

    Give them to `fit` with `steps_per_epoch=count_batches(...)`, `initial_epoch=first_epoch`, `epochs=epochs` and
    `shuffle=False`, without which Keras warns that it does not shuffle a generator.
    Every image occurs once an epoch; several devices leave out less than one image each.  Pixels keep their type:
    models scale them inside.

    Args:
        split: images and labels.  Only one array (N, H, W, C) is augmented, anything else is only shuffled.
        batch_size: images a step; the last batch of an epoch may be smaller.
        seed: seed of order and augmentation, 0 or more.
        epochs: number of the epoch to stop before.
        first_epoch: number of the first epoch, above 0 where training goes on.
        flip: mirror half of the images left and right.
        max_shift: largest shift in pixels, along rows and columns; every whole shift up to it is equally likely.
        devices: how many share each batch evenly.
        preprocess: applied to x of every batch, after augmentation.  Functions of Keras get float32, any other the
            pixels as they are.

    Returns:
        A `tf.data.Dataset` under the TensorFlow backend, else a generator of NumPy arrays, which serves one `fit`.

    Raises:
        InvalidInput: batches that the devices cannot share evenly.
    """
    prepare = _on_floats(preprocess)
    plan = TrainingPlan(split, batch_size, seed, epochs, first_epoch, flip, max_shift, devices, prepare)
    return _feeder().training_batches(plan)


def measuring_batches(
    split: Split, *, batch_size: int, devices: int = 1, preprocess: Callable[[Any], Any] | None = None
) -> Iterable:
    """All images in their order as batches (x, labels); the last one may be smaller.

    For several devices batches are (x, labels, weights) of sizes that they share evenly: the last one is filled up with
    images of weight zero.  The weights have a mean of one over all batches.

    Args:
        split: images and labels.
        batch_size: images a step; for several devices the next multiple of them.
        devices: how many share each batch.
        preprocess: applied to x of every batch, see `training_batches`.

    Returns:
        A `tf.data.Dataset` under the TensorFlow backend, else a `keras.utils.PyDataset`: both have a length, can be
        iterated again and again, and be given to `evaluate` and `predict`.
    """
    size = -(-batch_size // devices) * devices
    batches = _feeder().measuring_batches(split, size, _on_floats(preprocess))
    if devices == 1:
        return batches
    filled = -(-len(split) // devices) * devices
    return _feeder().filled_batches(batches, devices, filled / len(split))


def filled_batches(batches: Iterable, *, devices: int) -> Iterable:
    """Batches (x, labels) as (x, labels, weights), filled up so that devices share each evenly.

    What fills them up are images of weight zero; the weights of each batch have a mean of one.

    Args:
        batches: what `training_batches` gives.
        devices: how many share each batch.
    """
    return _feeder().filled_batches(batches, devices)


def count_batches(images: int, batch_size: int) -> int:
    """Number of batches in one pass over the images."""
    return -(-images // batch_size)


def _on_floats(preprocess: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """A function of Keras applied to float32: preprocess_input of keras.applications divides in place."""
    if not (getattr(preprocess, "__module__", None) or "").startswith("keras."):
        return preprocess
    from keras import ops

    return lambda images: preprocess(ops.cast(images, "float32"))


def _feeder() -> ModuleType:
    """Module that makes the batches; TensorFlow may not be installed where the backend is another."""
    import keras

    if keras.backend.backend() == "tensorflow":
        from fm_keras.data import tensor_batches as feeder
    else:
        from fm_keras.data import array_batches as feeder
    return feeder
