"""Pixels of an image file, for signatures that take no encoded images.  Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fm_keras.errors import InvalidInput

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read_pixels(file: Path, shape: Sequence[int]) -> np.ndarray:
    """(H, W, C) uint8 pixels of an image file, resized bilinearly where it has another size.

    Args:
        file: PNG, JPEG or whatever Pillow reads.
        shape: (H, W, C) of the network's images, -1 where any size goes.

    Raises:
        InvalidInput: no image, or a network whose inputs are none.
    """
    from PIL import Image, UnidentifiedImageError

    if len(shape) != 3 or shape[2] not in _MODES:
        raise InvalidInput(f"The network takes inputs of shape {tuple(shape)}; a file can only be read as (H, W, C).")
    height, width, channels = shape
    try:
        with Image.open(file) as image:
            pixels = image.convert(_MODES[channels])
    except UnidentifiedImageError:
        raise InvalidInput(f"{file} is no image that Pillow can read. Save it as PNG or JPEG.") from None
    size = (pixels.width if width < 0 else width, pixels.height if height < 0 else height)
    if size != pixels.size:
        pixels = pixels.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(pixels).reshape(size[1], size[0], channels)
