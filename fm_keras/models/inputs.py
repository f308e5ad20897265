"""From pixels to what the first convolution sees: enlarged, padded and scaled inside the model."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def enlargement_factor(image_shape: tuple[int, int, int], smallest: int) -> int:
    """Whole factor by which small images are enlarged (*ours*).

    It is the least that brings the short side beyond three quarters of the network's smallest input;
    the few pixels that are still missing are padded.  So 8 x 8 digits become 32 x 32 for VGG-16, and
    28 x 28 images are padded by two pixels instead of quadrupling the work.

    Args:
        image_shape: height, width, channels.
        smallest: smallest side, in pixels, that survives all pools of the network.
    """
    side = min(image_shape[:2])
    return next(factor for factor in count(1) if 4 * factor * side > 3 * smallest)


def padded_size(image_shape: tuple[int, int, int], smallest: int) -> tuple[int, int]:
    """Height and width in pixels of the enlarged and padded images."""
    factor = enlargement_factor(image_shape, smallest)
    height, width, _ = image_shape
    return max(factor * height, smallest), max(factor * width, smallest)


def image_input(image_shape: tuple[int, int, int], smallest: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Input of a network, and the images as its first convolution sees them.

    Args:
        image_shape: height, width, channels.
        smallest: smallest side, in pixels, that survives all pools of the network.

    Returns:
        (N, H, W, C) pixels from 0 to 255, and the same scaled to [-1, 1], at least `smallest` high and wide.
    """
    from keras import Input, layers

    image = x = Input(image_shape, name="image")
    factor = enlargement_factor(image_shape, smallest)
    if factor > 1:
        x = layers.UpSampling2D(factor, name="enlarge")(x)
    missing = [new - old for new, old in zip(padded_size(image_shape, smallest), x.shape[1:3])]
    if any(missing):
        # Before the scaling: what is added is black.
        x = layers.ZeroPadding2D([(rows // 2, rows - rows // 2) for rows in missing], name="pad")(x)
    return image, layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(x)
