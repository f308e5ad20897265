"""From the rows of a sweep to laws: which trials belong together, and how a measure of theirs falls with width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fm_keras.errors import CannotFit, InvalidInput
from fm_keras.scaling.powerlaw import PowerLaw, fit_power_law

AXES = ("model", "ratio", "batch_norm", "labels", "samples")
"""what tells series of trials apart; within one, width and seed differ"""
_WORDS = {"macs": "MACs", "noise": "noise of a filter"}


@dataclass(frozen=True, eq=False)
class Law:
    """How a measure of a series of trials falls with another: a power law, or in words why there is none."""

    series: str
    """what the trials have in common that others of the sweep have not, such as `lenet` or `lenet, depth ratio 2`"""
    x: str
    """column that grows, width or macs"""
    y: str
    """column that falls, error or noise"""
    rows: pd.DataFrame
    """the trials"""
    fit: PowerLaw | None
    """error = A * width**-rho, if it could be fitted"""
    why_not: str = ""
    """why there is no fit"""

    def as_dict(self) -> dict[str, Any]:
        """The law for a JSON document."""
        named = {"series": self.series, "x": self.x, "y": self.y, "trials": len(self.rows)}
        return {**named, "why_not": self.why_not, **({"law": self.fit.as_dict()} if self.fit else {})}


def done_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a sweep that hold results: those of failed trials do not."""
    return rows[rows["status"] != "failed"]


def varying_axes(rows: pd.DataFrame) -> list[str]:
    """The axes that tell series apart: those in which trials differ that are alike in the axes before.

    LeNet has no BatchNorm and VGG-16 has: the model says it, and fewer labels have fewer images.
    """
    found: list[str] = []
    for axis in AXES:
        if axis in rows and _values(rows, found, axis).max() > 1:
            found.append(axis)
    return found


def series_of(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Trials that differ in width and seed alone, by the name of what they have in common.

    Args:
        rows: of a sweep, as `fm_keras.sweep` returns them.

    Returns:
        {name: rows}, in the order of the rows; named is what tells series apart, or the model of the only one.
    """
    rows = done_rows(rows)
    keys = varying_axes(rows)
    if not keys:
        return {str(rows["model"].iloc[0]): rows} if len(rows) else {}
    groups = rows.groupby(keys, dropna=False, sort=False)
    return {_name(dict(zip(keys, key)), rows): found for key, found in groups}


def fit_laws(rows: pd.DataFrame, *, x: str = "width", y: str = "error", seed: int = 0) -> list[Law]:
    """The power law of each series of a sweep.

    Args:
        rows: of a sweep, as `fm_keras.sweep` returns them.
        x: width, or macs for the cost of a network.
        y: error on the test images, or noise: noise elements of a filter of the last convolution.
        seed: of the bootstrap.

    Returns:
        A law for each series with more than one value of x.

    Raises:
        InvalidInput: a column is missing.

    Source: arXiv:2211.11106: error and noise per filter fall as powers of the width.
    """
    if missing := {x, y} - set(rows):
        raise InvalidInput(f"The sweep has no column {', '.join(sorted(missing))}; it has: {', '.join(rows)}.")
    found = {name: part.dropna(subset=[x, y]) for name, part in series_of(rows).items()}
    return [_fit(name, x, y, part, seed) for name, part in found.items() if part[x].nunique() > 1]


def _fit(name: str, x: str, y: str, rows: pd.DataFrame, seed: int) -> Law:
    names = {"x_name": _WORDS.get(x, x), "y_name": _WORDS.get(y, y)}
    try:
        fit = fit_power_law(rows[x], rows[y], rng=np.random.default_rng(seed), **names)
    except (CannotFit, InvalidInput) as error:  # numbers of imported rows may be none that a law takes
        return Law(name, x, y, rows, None, str(error))
    return Law(name, x, y, rows, fit)


def _values(rows: pd.DataFrame, axes: list[str], axis: str) -> pd.Series:
    """How many values of an axis there are in each group of trials that are alike in other axes."""
    if not axes:
        return pd.Series([rows[axis].nunique(dropna=False)])
    return rows.groupby(axes, dropna=False)[axis].nunique(dropna=False)


def _name(values: dict[str, Any], rows: pd.DataFrame) -> str:
    """What differs between series, in words: lenet, depth ratio 2.67."""
    parts = [_part(axis, value) for axis, value in values.items() if not pd.isna(value)]
    return ", ".join(parts) or str(rows["model"].iloc[0])


def _part(axis: str, value: Any) -> str:
    if axis == "batch_norm":
        return f"{'with' if value else 'without'} BatchNorm"
    if axis in ("labels", "samples"):
        return f"{int(value):,} {'labels' if axis == 'labels' else 'images'}"
    return f"depth ratio {value:.3g}" if axis == "ratio" else str(value)
