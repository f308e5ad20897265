"""The conservation law of widths: square root of the map's size times the filters, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import keras
import numpy as np
import pandas as pd
from keras import layers

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, walk

CONVOLUTIONS = (layers.Conv2D, layers.Conv2DTranspose, layers.SeparableConv2D, layers.DepthwiseConv2D)


def conservation_table(model: keras.Model) -> pd.DataFrame:
    """How far the convolutions of a model are from the conservation law.

    The law wants sqrt(H W) d the same in all convolutions, H x W the map that a convolution puts out, before any
    pool, and d its filters.  The constant is the median of the layers.  Convolutions of a single position are Dense
    layers and left out.

    Args:
        model: Functional or Sequential, nested models included, images of a fixed size.

    Returns:
        One row a convolution in depth order: layer (path), size ('28 x 28'), filters, product (sqrt(H W) d) and
        deviation (product divided by the constant, minus 1).

    Raises:
        CannotCut: the model has no graph of calls.
        InvalidInput: it has no convolution on a map, or one whose map has no fixed size.

    Source: arXiv:2211.11106, which states the law for two convolutions and for VGG-16.  *Ours*: the median.
    """
    calls = [call for call in walk(model).calls if is_convolution(call)]
    if not calls:
        raise InvalidInput(f"Model {model.name!r} has no 2-D convolution on a map; the law is about those.")
    return law_table([(call.path, map_of(call), filters_of(call)) for call in calls])


def law_deviation(table: pd.DataFrame) -> float:
    """How far a network is from the law, in one figure: root mean square of its layers' deviations.

    Args:
        table: what `conservation_table` returns.

    Returns:
        0 where the law holds; 0.5 if all layers are off by half.
    """
    return float(np.sqrt(np.mean(np.square(table["deviation"]))))


def law_table(rows: Iterable[tuple[str, tuple[int, int], int]]) -> pd.DataFrame:
    """The table of `conservation_table` from (layer, (H, W), filters) of every convolution."""
    table = pd.DataFrame(
        {"layer": layer, "size": f"{size[0]} x {size[1]}", "filters": filters, "product": prod(size) ** 0.5 * filters}
        for layer, size, filters in rows
    )
    table["deviation"] = table["product"] / table["product"].median() - 1
    return table


def is_convolution(call: Call) -> bool:
    """Whether the law is about a call: a 2-D convolution of more than one position."""
    if not isinstance(call.layer, CONVOLUTIONS):
        return False
    for shape in (*call.input_shapes, *call.output_shapes):
        if None in shape[1:]:
            raise InvalidInput(
                f"Layer {call.path!r} has a map without a fixed size, {shape}. Give the model's Input all sizes."
            )
    return prod(_sides(call.input_shapes[0], call.layer)) > 1


def map_of(call: Call) -> tuple[int, int]:
    """Height and width of what a convolution puts out."""
    return _sides(call.output_shapes[0], call.layer)


def filters_of(call: Call) -> int:
    """Filters of a convolution; of a depthwise one, the channels it puts out."""
    return call.output_shapes[0][-1 if call.layer.data_format == "channels_last" else 1]


def _sides(shape: tuple, layer: keras.Layer) -> tuple[int, int]:
    return tuple(shape[1:-1] if layer.data_format == "channels_last" else shape[2:])
