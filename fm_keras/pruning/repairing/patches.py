"""What a kernel multiplies: the patch of its input that each position of its output is made from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from fm_keras.models.graph import Call
from fm_keras.pruning.surgery.layer_kinds import unit_axis

_ROWS = 4096
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


def multiplies_patches(layer: keras.Operation) -> bool:
    """Whether a layer is a Dense or a plain or grouped convolution, with weights that can be solved for."""
    if not type(layer).__module__.startswith("keras."):
        return False
    if type(layer) in _CONVOLUTIONS:
        return layer.groups == 1 or layer.kernel.shape[-2] > 1
    return type(layer) is layers.Dense


class Patches:
    """Reads patches of what a layer is given.

    Args:
        call: of a layer that `multiplies_patches`.
        given: (N, ...) what the call reads.
    """

    def __init__(self, call: Call, given: np.ndarray) -> None:
        self.layer, self.given = call.layer, given
        self.channels = int(given.shape[unit_axis(call.layer, given.ndim)])
        self._axis = unit_axis(call.layer, given.ndim)
        self._sizes = tuple(size for axis, size in enumerate(given.shape) if axis not in (0, self._axis))
        self._strides, self._dilation, self._kernel = self._geometry()
        self._padding = [self._padded(axis) for axis in range(len(self._sizes))]
        self.map = tuple(self._length(axis) for axis in range(len(self._sizes)))
        """positions of the output along each axis"""
        self.positions = math.prod(self.map)
        """positions of the output for one image"""

    def at(self, images: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """(n * p, offsets, channels) patches of n images, at p positions of each.

        Args:
            images: (n,) which of the N.
            positions: (n, p) flat numbers of positions of the output.
        """
        maps = np.moveaxis(self.given[images], self._axis, -1)
        maps = np.pad(maps, [(0, 0), *self._padding, (0, 0)]) if any(map(any, self._padding)) else maps
        corners = np.unravel_index(positions, self.map) if self.map else ()
        numbers = np.arange(len(maps))[:, None]
        found = np.empty((*positions.shape, math.prod(self._kernel), self.channels), np.float32)
        for number, offset in enumerate(itertools.product(*map(range, self._kernel))):
            places = (
                corner * stride + step * each
                for corner, stride, step, each in zip(corners, self._strides, self._dilation, offset)
            )
            found[:, :, number] = maps[(numbers, *places)] if self.map else maps[:, None]
        return found.reshape(-1, *found.shape[2:])

    def outputs_at(self, made: np.ndarray, images: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """(n * p, units) what the layer puts out at the same positions.

        Args:
            made: (N, ...) all that it puts out.
            images: (n,) which of the N.
            positions: (n, p) flat numbers of positions of the output.
        """
        maps = np.moveaxis(made[images], unit_axis(self.layer, made.ndim), -1)
        maps = maps.reshape(len(maps), -1, maps.shape[-1])
        return maps[np.arange(len(maps))[:, None], positions].reshape(-1, maps.shape[-1])

    def _geometry(self) -> tuple[tuple[int, ...], ...]:
        if isinstance(self.layer, layers.Dense):
            ones = (1,) * len(self._sizes)
            return ones, ones, ones
        return tuple(self.layer.strides), tuple(self.layer.dilation_rate), tuple(self.layer.kernel_size)

    def _padded(self, axis: int) -> tuple[int, int]:
        """Zeros before and behind, as TensorFlow and JAX pad."""
        padding, reach = getattr(self.layer, "padding", "valid"), self._reach(axis)
        if padding == "causal":
            return reach, 0
        if padding == "valid":
            return 0, 0
        size, stride = self._sizes[axis], self._strides[axis]
        missing = max((math.ceil(size / stride) - 1) * stride + reach + 1 - size, 0)
        return missing // 2, missing - missing // 2

    def _reach(self, axis: int) -> int:
        return (self._kernel[axis] - 1) * self._dilation[axis]

    def _length(self, axis: int) -> int:
        size = self._sizes[axis] + sum(self._padding[axis])
        return (size - self._reach(axis) - 1) // self._strides[axis] + 1


class Inputs:
    """Inputs of a kernel at some positions of all images, made anew whenever they are read, so that few are held.

    Args:
        patches: what the layer reads.
        places: about how many patches of all images together, a seeded choice.
        group: number of this group of a grouped convolution, and of all.
        bias: whether a column of ones stands for it, behind the patches.
        seed: seed of the choice.
    """

    def __init__(self, patches: Patches, *, places: int, group: tuple[int, int], bias: bool, seed: int) -> None:
        self.patches, self.bias, self._group = patches, bias, group
        count, each = len(patches.given), min(patches.positions, -(-places // len(patches.given)))
        self.positions = np.tile(np.arange(patches.positions), (count, 1))
        """(N, p) positions of each image"""
        if each < patches.positions:
            chances = np.random.default_rng(seed).random((count, patches.positions))
            self.positions = chances.argpartition(each, axis=1)[:, :each]

    def blocks(self, images: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Some images (n,) and their inputs (n * p, F), a few thousand at a time."""
        step = max(1, _ROWS // self.positions.shape[1])
        for start in range(0, len(images), step):
            some = images[start : start + step]
            found = self.part(self.patches.at(some, self.positions[some]))
            found = found.reshape(len(found), -1)
            ones = np.ones((len(found), int(self.bias)), np.float32)
            yield some, np.concatenate([found, ones], axis=1)

    def part(self, array: np.ndarray) -> np.ndarray:
        """What of an array (..., channels or units) is of this group."""
        number, groups = self._group
        return array if groups == 1 else np.split(array, groups, axis=-1)[number]

    def products(self, images: np.ndarray) -> np.ndarray:
        """(F, F) sums of products of inputs over some images."""
        return sum((x.T @ x).astype(float) for _, x in self.blocks(images))
