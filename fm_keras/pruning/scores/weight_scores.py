"""Scores from the weights alone: the kernel that makes a unit, and the BatchNorm that scales it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.models.graph import Call, Graph, walk
from fm_keras.pruning.scores.field_scores import score_series
from fm_keras.slicing import CutPoint, cut_points


def kernel_l1(model: keras.Model, *, layers: Iterable[str] | None = None) -> pd.Series:
    """Sum of the absolute weights that make each unit, biases left out.

    Args:
        model: functional or built Sequential.
        layers: paths of cuts; all if None.

    Returns:
        Series over (layer, filter); NaN at cuts without a kernel: adds, concatenations, attention, recurrent layers.

    Source: arXiv:1608.08710.
    """
    return _from_kernels("kernel_l1", model, layers, lambda kernels: np.abs(kernels).sum(axis=1, dtype=float))


def fpgm(model: keras.Model, *, layers: Iterable[str] | None = None) -> pd.Series:
    """Sum of the Euclidean distances from each unit's kernel to those of all units of its layer.

    A kernel near the geometric median of its layer can be replaced by the others.

    Args:
        model: functional or built Sequential.
        layers: paths of cuts; all if None.

    Returns:
        Series over (layer, filter); NaN at cuts without a kernel: adds, concatenations, attention, recurrent layers.

    Source: filter pruning via geometric median, arXiv:1811.00250.
    """
    return _from_kernels("fpgm", model, layers, _sum_of_distances)


def batch_norm_scale(model: keras.Model, *, layers: Iterable[str] | None = None) -> pd.Series:
    """Size of the factor gamma by which BatchNorm scales each unit.

    The first BatchNorm between the layer and its cut counts; behind an add or a concatenation too.

    Args:
        model: functional or built Sequential.
        layers: paths of cuts; all if None.

    Returns:
        Series over (layer, filter); NaN at cuts without BatchNorm over the units, or with one that has no scale.

    Source: network slimming, arXiv:1708.06519.
    """
    graph = walk(model)
    values = {}
    for cut in cut_points(model, layers=layers):
        norms = [call.layer for call in calls_to_cut(graph, cut) if _normalizes_units(call, cut)]
        scaled = norms[:1] and norms[0].scale
        values[cut.layer] = np.abs(_numbers(norms[0].gamma)) if scaled else np.full(cut.units, np.nan)
    return score_series("batch_norm_scale", values)


def calls_to_cut(graph: Graph, cut: CutPoint) -> list[Call]:
    """Call of a cut's layer, and those that follow it up to the cut."""
    consumers = graph.consumers()
    chain = [next(call for call in graph.calls if call.path == cut.layer)]
    while chain[-1].path != cut.after:
        chain += consumers[chain[-1].outputs[0]]
    return chain


def unit_kernels(layer: keras.Operation) -> np.ndarray | None:
    """Weights that make each unit of a layer.

    Args:
        layer: of a separable convolution the pointwise kernel is read, of a depthwise one the kernel of each channel.

    Returns:
        (U, weights) float32; None if no kernel makes the units.
    """
    for classes, with_units_last in _KERNELS:
        if isinstance(layer, classes):
            kernel = with_units_last(layer)
            return None if kernel is None else kernel.reshape(-1, kernel.shape[-1]).T
    return None


def _from_kernels(
    name: str, model: keras.Model, layers: Iterable[str] | None, measure: Callable[[np.ndarray], np.ndarray]
) -> pd.Series:
    made_by = {call.path: call.layer for call in walk(model).calls}
    values = {}
    for cut in cut_points(model, layers=layers):
        kernels = unit_kernels(made_by[cut.layer])
        values[cut.layer] = np.full(cut.units, np.nan) if kernels is None else measure(kernels)
    return score_series(name, values)


def _sum_of_distances(kernels: np.ndarray) -> np.ndarray:
    """(U,) sums of the distances between rows (U, D)."""
    # Products of rows are 18 times faster than pair by pair (1,024 rows of 4,096); centered, they lose fewer digits.
    centered = kernels - kernels.mean(axis=0, dtype=float)
    products = centered @ centered.T
    squares = np.diag(products)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0)).sum(axis=1)


def _normalizes_units(call: Call, cut: CutPoint) -> bool:
    rank = len(call.input_shapes[0])
    units_axis = 1 if cut.channels_first else rank - 1
    return isinstance(call.layer, keras.layers.BatchNormalization) and call.layer.axis % rank == units_axis


def _numbers(weights) -> np.ndarray:
    return ops.convert_to_numpy(weights).astype(np.float32)


def _plain(layer: keras.Layer) -> np.ndarray:
    return _numbers(layer.kernel)


def _transposed(layer: keras.Layer) -> np.ndarray:
    # (*size, filters, channels)
    return np.swapaxes(_numbers(layer.kernel), -1, -2)


def _depthwise(layer: keras.Layer) -> np.ndarray:
    # (*size, channels, multiplier): the units of a channel stand side by side.
    kernel = _numbers(layer.kernel)
    return kernel.reshape(*kernel.shape[:-2], -1)


def _separable(layer: keras.Layer) -> np.ndarray:
    return _numbers(layer.pointwise_kernel)


def _einsum(layer: keras.Layer) -> np.ndarray | None:
    operands, output = layer.equation.split("->")
    axis = operands.split(",")[1].find(output[-1])
    return None if axis < 0 else np.moveaxis(_numbers(layer.kernel), axis, -1)


_KERNELS: tuple[tuple[tuple[type, ...], Callable[[keras.Layer], np.ndarray | None]], ...] = (
    ((keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Dense), _plain),
    ((keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose), _transposed),
    ((keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D), _depthwise),
    ((keras.layers.SeparableConv1D, keras.layers.SeparableConv2D), _separable),
    ((keras.layers.EinsumDense,), _einsum),
)
