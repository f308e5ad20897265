"""How clusters, noise and SNR move with the threshold: whether what was found hangs on one number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.errors import InvalidInput
from fm_keras.filters import find_clusters, layer_statistics, measure_filters, threshold_fields

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def threshold_stability(analysis: Analysis, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """Measure all filters of an analysis again at other thresholds, from the fields that it holds.

    Args:
        analysis: what `analyze` returned; clusters are found with its method.
        thresholds: shares of a filter's largest field, each between 0 and 1.

    Returns:
        One row per layer and threshold, in this order: layer, threshold, and the columns of
        `fm_keras.filters.layer_statistics` (n_clusters, cluster_size, signal, noise, snr, dead, ...).  At the
        threshold of the analysis they are those of `Analysis.layers`.

    Raises:
        InvalidInput: no threshold, or one outside (0, 1).

    Source: ours; 0.3 is the threshold of arXiv:2305.18078.
    """
    if not len(thresholds):
        raise InvalidInput("thresholds is empty; give shares of the largest field, such as (0.2, 0.3, 0.4).")
    rows = []
    for filters in analysis:
        measured = _measure(filters, thresholds, analysis.settings.method)
        rows += [
            {"layer": filters.layer, "threshold": float(threshold), **statistics}
            for threshold, statistics in zip(thresholds, measured)
        ]
    return pd.DataFrame(rows)


def _measure(filters: LayerFilters, thresholds: Sequence[float], method: str) -> list[pd.Series]:
    """Statistics of a layer at each threshold; fields are derived once."""
    tables: list[list[pd.DataFrame]] = [[] for _ in thresholds]
    clusters: list[list[np.ndarray]] = [[] for _ in thresholds]
    for first, fields in filters.field_blocks():
        for number, threshold in enumerate(thresholds):
            above = threshold_fields(fields, threshold)
            clusters[number].append(find_clusters(above, method))
            tables[number].append(measure_filters(above, clusters[number][-1], first=first))
    return [
        layer_statistics(pd.concat(table, ignore_index=True), np.concatenate(cluster_of))
        for table, cluster_of in zip(tables, clusters)
    ]
