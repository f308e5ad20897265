"""What networks cost at the same error: the multiply-accumulates that each series of a sweep needs for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from fm_keras.errors import CannotFit
from fm_keras.scaling.laws import Law

_COLUMNS = ("error", "series", "macs", "low", "high", "measured", "why_not")


def cost_at_equal_error(laws: Sequence[Law], errors: Sequence[float] | None = None) -> pd.DataFrame:
    """MACs of one image that each series of a sweep needs to reach an error.

    Args:
        laws: of error against MACs, see `fit_laws`: of several models (or depth ratios, …).
        errors: shares of test images; if None the least that every series has reached, or, where the errors of the
            series do not meet, the middle between them; and half of that.

    Returns:
        One row an error and series: error, series, macs with its 95% interval low and high, measured (whether macs lies
        between the smallest and the largest network of the series), and why_not where there is no answer.

    Source: arXiv:2211.11106 compares networks by operations at equal error.
    """
    asked = common_errors([law for law in laws if law.fit]) if errors is None else errors
    return pd.DataFrame([_cost(law, error) for error in asked for law in laws], columns=_COLUMNS)


def common_errors(laws: Sequence[Law]) -> list[float]:
    """An error that can be compared over several laws, and half of it; none for less than two."""
    if len(laws) < 2:
        return []
    means = [law.rows.groupby(law.x)[law.y].mean() for law in laws]
    reached, started = max(each.min() for each in means), min(each.max() for each in means)
    least = reached if reached <= started else math.sqrt(reached * started)
    return [float(least), float(least) / 2]


def _cost(law: Law, error: float) -> dict:
    row = {"error": error, "series": law.series, "macs": math.nan, "low": math.nan, "high": math.nan}
    row |= {"measured": False, "why_not": law.why_not}
    if law.fit is None:
        return row
    try:
        macs, low, high = law.fit.width_for(error)
    except CannotFit as unreachable:
        return {**row, "why_not": str(unreachable)}
    measured = law.rows[law.x].min() <= macs <= law.rows[law.x].max()
    return {**row, "macs": macs, "low": low, "high": high, "measured": bool(measured)}
