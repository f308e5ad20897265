"""What a network makes of images, layer by layer, as points: groups of layers in one pass each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.data import Split, measuring_batches
from fm_keras.errors import BadActivations
from fm_keras.settings import ComplexitySettings
from fm_keras.slicing import CutPoint
from fm_keras.slicing.compiled import compiled
from fm_keras.slicing.slices import cut_activations, frozen_body

_FLOAT = 4
_EVERY_POSITION = 2**31


def point_width(cut: CutPoint, pool: str) -> int:
    """Coordinates of a point at a cut."""
    return cut.units * (math.prod(cut.positions) if pool == "none" else 1)


def group_by_memory(
    cuts: Sequence[CutPoint], images: int, settings: ComplexitySettings
) -> list[tuple[list[CutPoint], int]]:
    """Consecutive cuts whose activations of all images fit in memory together, and the bytes that each group takes."""
    groups: list[tuple[list[CutPoint], int]] = []
    for cut in cuts:
        need = _FLOAT * images * point_width(cut, settings.pool)
        if not groups or groups[-1][1] + need > settings.memory_limit * 1e9:
            groups.append(([], 0))
        group, taken = groups[-1]
        groups[-1] = [*group, cut], taken + need
    return groups


def stream_points(
    model: keras.Model,
    cuts: Sequence[CutPoint],
    split: Split,
    settings: ComplexitySettings,
    *,
    preprocess: Callable[[Any], Any] | None,
    tick: Callable[[], None],
) -> Iterator[tuple[CutPoint, np.ndarray]]:
    """Points of every cut, one pass for each group of cuts.

    Args:
        model: left as it was.
        cuts: in depth order.
        split: images.
        settings: pooling of positions, batch size, memory limit.
        preprocess: applied to every batch of images.
        tick: called after every batch.

    Yields:
        Cut, and (N, D) float32, D all positions of all units, or the units where positions are pooled.

    Raises:
        BadActivations: a layer puts out NaN or infinite values.
    """
    for group, _ in group_by_memory(cuts, len(split), settings):
        batches = measuring_batches(split, batch_size=settings.batch_size, preprocess=preprocess)
        points = [np.empty((len(split), point_width(cut, settings.pool)), np.float32) for cut in group]
        start, read = 0, _reader(model, group, settings.pool)
        for images, labels in batches:
            for held, activation in zip(points, read(images)):
                held[start : start + len(labels)] = ops.convert_to_numpy(activation)
            start += len(labels)
            tick()
        for cut in group:
            yield cut, _finite(points.pop(0), cut)


def _reader(model: keras.Model, cuts: Sequence[CutPoint], pool: str) -> Callable:
    """A compiled function of images to the points of every cut."""
    body = frozen_body(model, cuts)

    def read(images):
        found = cut_activations(body, images, cuts, _EVERY_POSITION)
        if pool == "mean":
            return [ops.mean(each, axis=1) for each in found]
        return [ops.reshape(each, (-1, point_width(cut, pool))) for each, cut in zip(found, cuts)]

    return compiled(read, body)


def _finite(points: np.ndarray, cut: CutPoint) -> np.ndarray:
    broken = int((~np.isfinite(points)).any(axis=1).sum())
    if broken:
        raise BadActivations(
            f"Layer {cut.layer!r} puts out NaN or infinite values for {broken:,} of {len(points):,} images. "
            "Look for diverged weights: a smaller learning rate may do."
        )
    return points
