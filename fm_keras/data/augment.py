"""Flips and whole-pixel shifts of images: one rule, on NumPy arrays, TensorFlow tensors, and on a device.

Pixel (r, c) of the result is pixel (r + shift[0], c + shift[1]) of the image; of a flipped one, c counts from the
right.  Beyond the border the image goes on as in a mirror that repeats the border itself: -1 is 0, N is N - 1.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf
    from keras import KerasTensor


def augment_arrays(images: np.ndarray, flip: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Flipped and shifted images.

    Args:
        images: (B, H, W, C) pixels of any type.
        flip: (B,) bool, mirror left and right.
        shift: (B, 2) whole pixels, along rows and columns.
    """
    rows, columns = _source_pixels(np, flip, shift, images.shape[1:3])
    return images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def augment_on_device(images: KerasTensor, flip: KerasTensor, shift: KerasTensor) -> KerasTensor:
    """The same in `keras.ops`, as one gather: compiles with XLA under TensorFlow and JAX.

    Args:
        images: (B, H, W, C) pixels; H, W and C are known when it is compiled.
        flip: (B,) bool, mirror left and right.
        shift: (B, 2) int32 pixels, along rows and columns.
    """
    from keras import ops

    _, height, width, channels = images.shape
    batch = ops.shape(images)[0]
    rows, columns = _source_pixels(ops, flip, shift, (height, width))
    first_pixel = ops.arange(batch, dtype="int32")[:, None, None] * (height * width)
    pixels = first_pixel + rows[:, :, None] * width + columns[:, None, :]
    return ops.take(ops.reshape(images, (-1, channels)), pixels, axis=0)


def augment_tensors(images: tf.Tensor, flip: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """The same as a single TensorFlow operation, for tf.data.

    Args:
        images: (B, H, W, C) uint8, int32 or floating point; H and W are known.
        flip: (B,) bool, mirror left and right.
        shift: (B, 2) int32 pixels, along rows and columns.
    """
    import tensorflow as tf

    height, width = images.shape[1:3]
    flipped, moved = tf.cast(flip, tf.float32), tf.cast(shift, tf.float32)
    none, one = tf.zeros_like(flipped), tf.ones_like(flipped)
    columns = (1 - 2 * flipped, none, moved[:, 1] + flipped * (width - 1))
    rows = (none, one, moved[:, 0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*columns, *rows, none, none], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="NEAREST",
        fill_mode="REFLECT",
    )


def draw_epoch(
    images: int, *, seed: int, epoch: int, flip: bool, max_shift: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order and augmentation of one epoch, which follow from seed and epoch alone.

    Args:
        images: number of images, N.
        seed: seed of the training, 0 or more.
        epoch: number of the epoch, from 0.
        flip: mirror half of the images.
        max_shift: largest shift in pixels; every whole shift up to it is equally likely.

    Returns:
        order (N,) of the images, flip (N,) bool and shift (N, 2) int32 of the images in that order.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(images)
    flipped = rng.integers(0, 2, images).astype(bool) & flip
    return order, flipped, rng.integers(-max_shift, max_shift, (images, 2), np.int32, endpoint=True)


def _source_pixels(xp: ModuleType, flip, shift, size: tuple[int, int]):
    """Row (B, H) and column (B, W) that each pixel of the result is taken from; `xp` is NumPy or keras.ops."""
    height, width = size
    columns = xp.arange(width)
    columns = xp.where(flip[:, None], width - 1 - columns, columns)
    return _mirrored(xp, xp.arange(height) + shift[:, :1], height), _mirrored(xp, columns + shift[:, 1:], width)


def _mirrored(xp: ModuleType, index, size: int):
    index = xp.mod(index, 2 * size)
    return xp.minimum(index, 2 * size - 1 - index)
