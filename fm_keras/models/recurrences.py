"""Multiply-accumulates of recurrent layers: the same kernels at every step of a sequence."""

from __future__ import annotations

from math import prod

import keras
from keras import layers

from fm_keras.models.graph import Call

CONVOLUTIONAL = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
_CELLS = (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)


def cells_of(layer: layers.RNN) -> list[keras.Layer]:
    """The cells of a recurrent layer, of which there are several where they are stacked."""
    return list(layer.cell.cells) if isinstance(layer.cell, layers.StackedRNNCells) else [layer.cell]


def has_known_cells(layer: layers.RNN) -> bool:
    """Whether all cells are Keras' own, whose kernels are known."""
    return isinstance(layer, CONVOLUTIONAL) or all(isinstance(cell, _CELLS) for cell in cells_of(layer))


def recurrent_operations(call: Call) -> int:
    """Every element of the kernels acts once a step; none is counted for a cell of the user's."""
    if not has_known_cells(call.layer):
        return 0
    return call.input_shapes[0][1] * sum(map(_kernel_elements, cells_of(call.layer)))


def convolutional_operations(call: Call) -> int:
    """Every element of both kernels acts once a step at every position of the map that is put out."""
    cell, shape = call.layer.cell, call.output_shapes[0]
    last = len(shape) if cell.data_format == "channels_first" else len(shape) - 1
    sides = shape[last - (len(cell.kernel.shape) - 2) : last]
    return call.input_shapes[0][1] * prod(sides) * _kernel_elements(cell)


def _kernel_elements(cell: keras.Layer) -> int:
    return prod(cell.kernel.shape) + prod(cell.recurrent_kernel.shape)
