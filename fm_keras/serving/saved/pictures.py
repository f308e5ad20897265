"""From encoded pictures to what a network takes, inside the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

_CHANNELS = (1, 3, 4)


def takes_pictures(specs: list[tf.TensorSpec]) -> bool:
    """Whether a network takes one picture (H, W, C) of fixed size: gray, colored, or colored with transparency."""
    shape = specs[0].shape
    return len(specs) == 1 and shape.rank == 4 and None not in shape[1:] and shape[3] in _CHANNELS


def decode_picture(encoded, spec: tf.TensorSpec):
    """Pixels (H, W, C) from 0 to 255 of one PNG, JPEG, GIF (its first frame) or BMP, resized bilinearly.

    Args:
        encoded: string tensor ().
        spec: what the network takes, (N, H, W, C).
    """
    import tensorflow as tf

    height, width, channels = spec.shape[1:]
    pixels = tf.io.decode_image(encoded, channels=channels, expand_animations=False)
    pixels = tf.image.resize(pixels, (height, width))
    return tf.cast(tf.round(pixels) if spec.dtype.is_integer else pixels, spec.dtype)


def decode_pictures(encoded, spec: tf.TensorSpec):
    """Pixels (N, H, W, C) of encoded pictures, string (N,)."""
    import tensorflow as tf

    one = tf.TensorSpec(spec.shape[1:], spec.dtype)
    return tf.map_fn(lambda each: decode_picture(each, spec), encoded, fn_output_signature=one)
