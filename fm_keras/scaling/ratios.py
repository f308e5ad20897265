"""Which depth ratio has the least error at equal cost, and whether the seeds tell it apart from the others."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage

from fm_keras.scaling.laws import done_rows

_EQUAL = 0.1
"""networks count as equally costly if the dearest of them takes no more than this share beyond the cheapest"""
_COLUMNS = ("model", "macs", "ratio", "width", "seeds", "error", "spread", "behind", "low", "high")


def compare_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Error of networks that divide the same MACs otherwise between their convolutions.

    Args:
        rows: of a sweep over depth ratios, as `fm_keras.sweep` returns them.

    Returns:
        For each model and cost one row a ratio and width: model, macs, ratio, width, seeds, error (mean over seeds),
        spread (standard deviation over seeds), behind (error minus that of the best) and its 95% interval low and high
        (Tukey-Kramer, all pairs of networks at once; NaN with one seed).  Empty where no two ratios cost the same.

    Source: *ours*; the law that fixes the ratio: arXiv:2211.11106.
    """
    rows = done_rows(rows)
    rows = rows.dropna(subset=["ratio", "macs", "error"]) if "ratio" in rows else rows.iloc[:0]
    rows = rows[rows["macs"].between(0, math.inf, inclusive="neither")]
    tables = [
        _compare(level)
        for _, same in rows.groupby(
            [axis for axis in ("model", "batch_norm", "labels", "samples") if axis in rows], dropna=False
        )
        for _, level in same.groupby(_levels(same["macs"]))
        if level["ratio"].nunique() > 1
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def _levels(macs: pd.Series) -> np.ndarray:
    """Number of the level of cost that each network is on: the nearest are put together first, and none too far."""
    costs, place = np.unique(macs, return_inverse=True)
    if len(costs) < 2:
        return place
    found = fcluster(linkage(np.log(costs)[:, None], "complete"), math.log1p(_EQUAL), "distance")
    return np.cumsum(np.diff(found, prepend=found[0]) != 0)[place]


def _compare(rows: pd.DataFrame) -> pd.DataFrame:
    networks = rows.groupby(["ratio", "width"])
    table = networks.agg(seeds=("error", "size"), error=("error", "mean"), spread=("error", "std"))
    table = table.reset_index().assign(model=rows["model"].iloc[0], macs=rows["macs"].mean())
    best = int(table["error"].idxmin())
    table["behind"] = table["error"] - table["error"][best]
    table["low"], table["high"] = _intervals([part["error"].to_numpy() for _, part in networks], best)
    return table[list(_COLUMNS)]


def _intervals(errors: list[np.ndarray], best: int) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of each group's mean minus that of the best; NaN where the seeds say nothing of their spread."""
    if min(map(len, errors)) < 2 or all(np.ptp(each) == 0 for each in errors):
        return (np.full(len(errors), math.nan),) * 2
    interval = stats.tukey_hsd(*errors).confidence_interval(0.95)
    low, high = interval.low[:, best].copy(), interval.high[:, best].copy()
    low[best] = high[best] = 0.0
    return low, high
