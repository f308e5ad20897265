"""The law of labels: how error, clusters and SNR of one network go with the number of labels it has to tell apart."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from fm_keras.errors import CannotFit
from fm_keras.scaling.laws import done_rows

MEASURES = {
    "error": "maximal error",
    "n_clusters": "clusters of a filter, N_c",
    "cluster_size": "labels of a cluster, C_s",
    "snr": "SNR",
}
"""columns of `label_table` that have a law, in words"""
_LEVEL = 0.95
_LEAST = 3
_ROUNDING = 1e-12


def label_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What was found for each number of labels.

    Args:
        rows: of a sweep over label counts with filters measured, as `fm_keras.sweep` returns them.

    Returns:
        One row for each K: labels, seeds, error (the largest over seeds, the papers' maximal error), mean_error, and
        means over seeds of n_clusters, cluster_size, noise and snr of the last convolution, as far as measured.

    Source: Sci Rep 14, 5881 (2024).
    """
    found = done_rows(rows).groupby("labels")
    table = found.agg(seeds=("error", "size"), mean_error=("error", "mean"), max_error=("error", "max"))
    measured = [name for name in ("n_clusters", "cluster_size", "noise", "snr") if name in rows]
    means = found[measured].mean()
    table = table.rename(columns={"max_error": "error"}).join(means).reset_index()
    return table[["labels", "seeds", "error", "mean_error", *measured]]


def label_laws(table: pd.DataFrame) -> pd.DataFrame:
    """How each measure goes with the number of labels, as a line and as a power.

    Args:
        table: of `label_table`.

    Returns:
        One row a measure that was taken: measure; value = intercept + slope * K with the 95% interval of the slope
        (slope_low, slope_high) and r2; value = factor * K**exponent, fitted in log space, with the 95% interval of the
        exponent (exponent_low, exponent_high) and power_r2, like r2 of the values themselves; why_not where there is no
        fit.  Intervals take the deviations at different K for independent.

    Raises:
        CannotFit: fewer than three numbers of labels.

    Source: Sci Rep 14, 5881 (2024): error is about linear in K (exponent 1), N_c and C_s nearly constant (exponent 0).
    """
    if len(table) < _LEAST:
        raise CannotFit(f"The law of labels needs {_LEAST} numbers of labels; the sweep has {len(table)}.")
    return pd.DataFrame([_laws(name, table["labels"], table[name]) for name in MEASURES if name in table])


def _laws(name: str, labels: pd.Series, values: pd.Series) -> dict:
    x, y = labels.to_numpy(float), values.to_numpy(float)
    known = np.isfinite(y)
    if known.sum() < _LEAST:
        return {"measure": name, "why_not": f"{MEASURES[name]} is finite at {known.sum()} numbers of labels alone."}
    x, y = x[known], _without_rounding(y[known])
    line = stats.linregress(x, y - y[0])
    intercept = y[0] + line.intercept
    row = {"measure": name, "intercept": intercept, "slope": line.slope}
    row |= dict(zip(("slope_low", "slope_high"), _interval(line, len(x))))
    row["r2"] = _explained(y, intercept + line.slope * x)
    if (y <= 0).any():
        return {**row, "why_not": f"No power of K: {MEASURES[name]} is 0 at {np.sum(y <= 0)} numbers of labels."}
    power = stats.linregress(np.log(x), np.log(y / y[0]))
    factor = y[0] * math.exp(power.intercept)
    row |= {"factor": factor, "exponent": power.slope}
    row |= dict(zip(("exponent_low", "exponent_high"), _interval(power, len(x))))
    return {**row, "power_r2": _explained(y, factor * x**power.slope), "why_not": ""}


def _without_rounding(values: np.ndarray) -> np.ndarray:
    """Values, all the same where they differ by rounding alone, as means over seeds do."""
    return np.full_like(values, values[0]) if np.ptp(values) <= _ROUNDING * np.abs(values).max() else values


def _interval(line, points: int) -> tuple[float, float]:
    error = 0.0 if np.isnan(line.stderr) else line.stderr  # SciPy has none where all values are the same
    wide = stats.t.ppf((1 + _LEVEL) / 2, points - 2) * error
    return line.slope - wide, line.slope + wide


def _explained(found: np.ndarray, fitted: np.ndarray) -> float:
    """Share of the variance that a fit explains; 1 where there is none to explain."""
    if np.ptp(found) == 0:
        return 1.0
    return float(1 - np.sum((found - fitted) ** 2) / np.sum((found - found.mean()) ** 2))
