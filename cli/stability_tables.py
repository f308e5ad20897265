"""Tables of the terminal for how sure measures are: by threshold, and with intervals over the images."""

from __future__ import annotations

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras.reports.steadiness import INTERVALS
from fm_keras_cli.numbers import decimals
from fm_keras_cli.tables import ORANGE, new_table

_PLACES = {"snr": 2, "noise": 1, "n_clusters": 1, "cluster_size": 1, "signal": 1, "dead": 2, "accuracy": 3}
_ROOMY_FROM = 80
_HEADS = {"n_clusters": "clusters", "cluster_size": "size", "snr": "SNR"}


def threshold_table(stability: pd.DataFrame, measure: str, own: float, width: int) -> Table:
    """One measure: a row for each layer, a column for each threshold, that of the analysis in orange.

    Args:
        stability: what `threshold_stability` returned.
        measure: a column of it.
        own: threshold of the analysis.
        width: columns of the terminal; less than 80: every other threshold.
    """
    every = stability["threshold"].unique()
    thresholds = every if width >= _ROOMY_FROM else [each for each in every if each in every[::2] or each == own]
    stability = stability[stability["threshold"].isin(thresholds)]
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column(_HEADS.get(measure, measure), overflow="fold")
    for threshold in thresholds:
        table.add_column(Text(f"{threshold:g}", ORANGE if threshold == own else ""), justify="right", no_wrap=True)
    for layer, rows in stability.groupby("layer", sort=False):
        values = zip(thresholds, rows[measure])
        table.add_row(
            layer,
            *(
                Text(decimals(value, _PLACES[measure]), ORANGE if threshold == own else "")
                for threshold, value in values
            ),
        )
    return table


def one_layer_table(stability: pd.DataFrame, own: float) -> Table:
    """All measures of one layer: a row for each threshold, that of the analysis in orange.

    Args:
        stability: rows of one layer of what `threshold_stability` returned.
        own: threshold of the analysis.
    """
    measures = [measure for measure in _PLACES if measure in stability]
    table = new_table(right=("threshold", *(_HEADS.get(measure, measure) for measure in measures)))
    for row in stability.to_dict("records"):
        cells = [f"{row['threshold']:g}", *(decimals(row[measure], _PLACES[measure]) for measure in measures)]
        table.add_row(*cells, style=ORANGE if row["threshold"] == own else None)
    return table


def interval_table(intervals: pd.DataFrame) -> Table:
    """Accuracy, SNR and noise of each layer, each with its interval.

    Args:
        intervals: what `measure_intervals` returned.
    """
    table = new_table(left=("layer",))
    for measure in INTERVALS:
        table.add_column(_HEADS.get(measure, measure), justify="right", no_wrap=True)
        table.add_column("interval", justify="left", no_wrap=True)
    for row in intervals.to_dict("records"):
        cells = []
        for measure in INTERVALS:
            value, low, high = (decimals(row[f"{measure}{end}"], _PLACES[measure]) for end in ("", "_low", "_high"))
            cells += [value, Text(f"{low} to {high}", "bright_black")]
        table.add_row(row["layer"], *cells)
    return table
