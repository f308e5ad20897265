"""Complexity of the networks of a sweep, beside what they differ in."""

from __future__ import annotations

import pandas as pd


def join_trials(rows: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Rows of layers, each with what is known of its trial.

    Args:
        rows: complexity.csv of a sweep: the column trial, then those of `measure_complexity`.
        trials: trials.csv of the sweep: one row a trial.

    Returns:
        The rows whose trial is among those given, with the columns of both tables; width is that of the network, the
        width of a point is called coordinates.
    """
    return rows.rename(columns={"width": "coordinates"}).merge(trials, on="trial", validate="many_to_one")
