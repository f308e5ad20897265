"""The filters of an analysis as the report page holds them: small, best first, as many as there is room for."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.analysis.view import label_order
from fm_keras.filters import threshold_fields

COLUMNS = (
    *("filter", "labels", "signal", "internal_noise", "external_noise", "snr", "strength", "dead"),
    *("quality", "quality_low", "quality_high"),
    *("shown", "above", "scale", "field"),
)
"""What a row of the page holds: numbers, clusters, labels of the matrix (null: all), its bits, bytes of the field."""
MOST_LABELS = 100
"""labels of a matrix; where there are more, those of the clusters come first"""
_BLOCK_BYTES = 64e6
_LEVELS = 127
_NUMBERS = ("strength", "snr", "quality", "quality_low", "quality_high")


@dataclass(frozen=True)
class LeftOut:
    """What there is no room for on the page, in numbers of filters."""

    filters: int
    """not even a row of the table"""
    matrices: int
    """a row, no matrix"""
    fields: int
    """a row and the thresholded matrix, no values"""


def page_filters(
    analysis: Analysis, tables: Sequence[pd.DataFrame], room: float
) -> tuple[list[list[list[Any]]], LeftOut]:
    """Rows of all layers that fit, the best filters of each layer first.

    Where there is too little room, fields go first, then matrices, then rows: each time those of the lowest-ranked
    filters, the same share of every layer.

    Args:
        analysis: whose fields are shown.
        tables: filter table of each layer, with quality where it was measured.
        room: bytes of JSON.

    Returns:
        For each layer its rows, which hold COLUMNS; and what was left out.
    """
    ranked = [rank_filters(table) for table in tables]
    layer = np.concatenate([np.full(len(table), number) for number, table in enumerate(ranked)])
    place = np.concatenate([np.arange(len(table)) / len(table) for table in ranked])
    order = np.argsort(place, kind="stable")
    rows = [[_head(row) for row in table.to_dict("records")] for table in ranked]
    n = min(len(analysis.label_names), MOST_LABELS)
    sizes = np.array([len(json.dumps(row)) + 2 for part in rows for row in part], float)
    with_row, room = _fitting(sizes, order, room)
    bits = _base64_size(math.ceil(n * n / 8)) + (6 * n if n < len(analysis.label_names) else 0)
    with_bits, room = _fitting(np.where(with_row, bits, np.inf), order, room)
    with_field, _ = _fitting(np.where(with_bits, _base64_size(n * n) + 12, np.inf), order, room)
    for number, filters in enumerate(analysis):
        mine = layer == number
        _add_matrices(rows[number], filters, int(with_bits[mine].sum()), int(with_field[mine].sum()))
        del rows[number][int(with_row[mine].sum()) :]
    left_out = LeftOut(int((~with_row).sum()), int((with_row & ~with_bits).sum()), int((with_bits & ~with_field).sum()))
    return rows, left_out


def rank_filters(table: pd.DataFrame) -> pd.DataFrame:
    """Filters by quality where it was measured, else by SNR, then signal and strength; dead ones last."""
    by = ["quality"] if "quality" in table else ["snr", "signal", "strength"]
    return table.sort_values(["dead", *by], ascending=[True, *[False] * len(by)], kind="stable")


def json_number(value: float) -> float | str | None:
    """Four significant figures; infinity as text and NaN as null, since JSON knows neither."""
    if math.isnan(value):
        return None
    return ("∞" if value > 0 else "-∞") if math.isinf(value) else float(f"{value:.4g}")


def _head(row: dict[str, Any]) -> list[Any]:
    """A row without its matrix."""
    numbers = {name: json_number(row.get(name, math.nan)) for name in _NUMBERS}
    counts = {name: int(row[name]) for name in ("filter", "signal", "internal_noise", "external_noise", "dead")}
    values = {**numbers, **counts, "labels": row["labels"]}
    return [values.get(name) for name in COLUMNS]


def _fitting(sizes: np.ndarray, order: np.ndarray, room: float) -> tuple[np.ndarray, float]:
    """Which items fit, taken in order until the first that does not, and the room that is left."""
    fits = np.zeros(len(sizes), bool)
    total = np.cumsum(sizes[order])
    taken = int(np.searchsorted(total, room, side="right"))
    fits[order[:taken]] = True
    return fits, room - (total[taken - 1] if taken else 0)


def _add_matrices(rows: list[list[Any]], filters: LayerFilters, with_bits: int, with_field: int) -> None:
    """Fill the columns of the matrix in the first rows."""
    labels = filters.cluster_of.shape[1]
    units = [row[0] for row in rows[:with_bits]]
    for place, (field, above) in enumerate(_matrices(filters, units)):
        shown = None
        if labels > MOST_LABELS:
            shown = label_order(above, filters.cluster_of[units[place]])[:MOST_LABELS]
            field, above = field[np.ix_(shown, shown)], above[np.ix_(shown, shown)]
        matrix = {"shown": None if shown is None else shown.tolist(), "above": _base64(np.packbits(above))}
        if place < with_field:
            scale = float(np.abs(field).max())
            levels = np.rint(field.astype(float) / scale * _LEVELS) if scale > 0 else np.zeros_like(field)
            matrix |= {"scale": json_number(scale), "field": _base64(levels.astype(np.int8))}
        for name, value in matrix.items():
            rows[place][COLUMNS.index(name)] = value


def _matrices(filters: LayerFilters, units: list[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Field and thresholded matrix of each unit, a block of them at a time in memory."""
    size = max(1, int(_BLOCK_BYTES / (4 * filters.cluster_of.shape[1] ** 2)))
    for first in range(0, len(units), size):
        fields = filters.fields_of(units[first : first + size])
        yield from zip(fields, threshold_fields(fields, filters.threshold))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _base64_size(count: int) -> int:
    return 4 * math.ceil(count / 3)
