"""The conservation law through the depth of a network, as it is and as proposed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fm_keras.colors import LIGHT
from fm_keras.numbers import count
from fm_keras.reports.plots.course import depth_width, name_layers
from fm_keras.reports.plots.names import readable
from fm_keras.reports.plots.picture import Picture, new_picture, styled


@styled
def width_law(table: pd.DataFrame, name: str, *, proposed: pd.DataFrame | None = None) -> Picture:
    """Square root of the map's size times the filters, layer by layer: the law wants it constant.

    Args:
        table: what `fm_keras.scaling.conservation_table` returns.
        name: of the network, for the title.
        proposed: `Proposal.table` of the same network, drawn beside it.

    Returns:
        Figure with a line for the network, one for the proposal, and each one's median.

    Source: arXiv:2211.11106.
    """
    lines = [("as it is", table, LIGHT.field_high, "o"), ("by the law", proposed, LIGHT.own, "s")]
    lines = [line for line in lines if line[1] is not None]
    said = ", ".join(f"{_deviation(layers):.1%} {label}" for label, layers, *_ in lines)
    picture = new_picture(
        max(6.0, depth_width(len(table)) + 1.2),
        2.8,
        readable(f"{name}: how its widths go with the size of the maps", 120),
        f"{count(len(table), 'convolution')}, off the law: {said} (root mean square)",
        "Height: square root of the map's size times the filters. Dashed: median of the layers, the law's constant.",
    )
    axes = picture.subplots()
    for label, layers, color, marker in lines:
        axes.plot(layers["product"], color=color, marker=marker, markersize=4, linewidth=1.6, label=label)
        axes.axhline(layers["product"].median(), color=color, linewidth=0.8, linestyle=(0, (5, 4)))
    top = max(layers["product"].max() for _, layers, *_ in lines)
    axes.set_ylim(0, 1.1 * top)
    axes.set_ylabel("root of size x filters")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    name_layers(axes, list(table["layer"]))
    if len(lines) > 1:
        axes.legend(loc="lower left")
    return picture


def _deviation(table: pd.DataFrame) -> float:
    return float(np.sqrt(np.mean(np.square(table["deviation"]))))
