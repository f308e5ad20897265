"""Requests to try an export with: before it is shipped, and to warm a server up."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fm_keras.serving.saved.pictures import takes_pictures
from fm_keras.serving.saved.predictions import IMAGE_BYTES
from fm_keras.serving.saved.signatures import CLASSIFY

if TYPE_CHECKING:
    import tensorflow as tf

Request = dict[str, np.ndarray]
"""Arrays (N, ...) by the name of the input."""

_UNKNOWN_SIDE = 32


def example_requests(
    signatures: Sequence[str],
    images: Sequence[tf.TensorSpec],
    units: Sequence[int],
    labels: int,
    *,
    rows: int,
    rng: np.random.Generator,
) -> dict[str, Request]:
    """One request for each signature: random images; layers and filters within range, and one row beyond it.

    Args:
        signatures: their names.
        images: what the network takes.
        units: of each layer.
        labels: K.
        rows: N; those beyond range are left out where it is 1.
        rng: draws images and indices.
    """
    pixels = {spec.name: _random_images(spec, rows, rng) for spec in images}
    layers = rng.integers(0, len(units), rows, dtype=np.int32)
    filters = np.array([rng.integers(0, units[layer]) for layer in layers], np.int32)
    layers[:1], filters[:1] = len(units) - 1, units[-1] - 1
    if rows > 2:
        layers[-2], filters[-1] = -1, max(units)
    layer, unit = {"layer_index": layers}, {"filter_index": filters}
    label = {"label": rng.integers(0, labels, rows, dtype=np.int32), "count": np.arange(rows, dtype=np.int32) + 1}
    found = {
        "serving_default": pixels,
        "layer_predictions": pixels | layer,
        "filter_response": pixels | layer | unit,
        "filter_quality": layer | unit,
        "filter_field": layer | unit,
        "top_filters": layer | label,
        "layer_summary": layer,
        "describe": layer,
    }
    if CLASSIFY in signatures:
        found[CLASSIFY] = {"inputs": serialized_examples(pixels)}
    if takes_pictures(images):
        found[IMAGE_BYTES] = {IMAGE_BYTES: np.array([png(image) for image in pixels[images[0].name]], object)}
    return {name: found[name] for name in signatures}


def serialized_examples(images: Mapping[str, np.ndarray]) -> np.ndarray:
    """tf.Examples (N,) with one feature of numbers for each input."""
    import tensorflow as tf

    def feature(values: np.ndarray) -> tf.train.Feature:
        if values.dtype.kind in "iu":
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values.ravel()))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values.ravel()))

    examples = [
        tf.train.Features(feature={name: feature(values) for name, values in zip(images, row)})
        for row in zip(*images.values())
    ]
    return np.array([tf.train.Example(features=each).SerializeToString() for each in examples], object)


def png(image: np.ndarray) -> bytes:
    """An image (H, W, C) of pixels from 0 to 255 as PNG."""
    from PIL import Image

    pixels = np.clip(image, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "png")
    return file.getvalue()


def _random_images(spec: tf.TensorSpec, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers, so that a PNG holds them: pixels from 0 to 255; 0 and 1 where a network takes tokens."""
    shape = (rows, *(side or _UNKNOWN_SIDE for side in spec.shape[1:]))
    most = 2 if spec.dtype.is_integer and spec.shape.rank != 4 else 256
    return rng.integers(0, most, shape).astype(spec.dtype.as_numpy_dtype)
