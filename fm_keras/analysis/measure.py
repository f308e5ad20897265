"""From class means and a probe to the measured filters of a layer."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from fm_keras.analysis.nouns import LayerFilters
from fm_keras.filters import find_clusters, measure_filters, threshold_fields
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import CutPoint, Probe, probe_positions


def measure_layer(
    cut: CutPoint,
    probe: Probe,
    class_means: np.ndarray,
    settings: AnalysisSettings,
    *,
    held: np.ndarray | None = None,
) -> LayerFilters:
    """Threshold the fields of a layer, find clusters and measure every unit, in blocks of units.

    Args:
        cut: where the layer was cut.
        probe: its probe, kernel (*P, U, K).
        class_means: (K, *P, U) mean activation of every label.
        settings: threshold, method of clustering, largest number of positions.
        held: (U, K, K) fields measured in another way; if None they follow from class means and kernel.
    """
    labels, positions = class_means.shape[0], math.prod(class_means.shape[1:-1])
    unmeasured = LayerFilters(
        layer=cut.layer,
        map=_map(cut, settings.max_positions),
        accuracy=probe.test_accuracy,
        class_means=class_means.reshape(labels, positions, cut.units),
        kernel=probe.kernel.reshape(positions, cut.units, labels),
        cluster_of=np.full((cut.units, labels), -1),
        table=pd.DataFrame(),
        threshold=settings.threshold,
        held=held,
    )
    return measure_units(unmeasured, settings)


def measure_units(unmeasured: LayerFilters, settings: AnalysisSettings) -> LayerFilters:
    """The same layer with its clusters and table, from whatever fields it holds."""
    clusters, tables = [], []
    for first, fields in unmeasured.field_blocks():
        above = threshold_fields(fields, settings.threshold)
        clusters.append(find_clusters(above, settings.method))
        tables.append(measure_filters(above, clusters[-1], fields, first=first))
    table = pd.concat(tables, ignore_index=True)
    return LayerFilters(**{**vars(unmeasured), "cluster_of": np.concatenate(clusters), "table": table})


def _map(cut: CutPoint, max_positions: int) -> str:
    """Positions in words, and what they were pooled to."""
    positions = probe_positions(cut, max_positions)
    if positions == cut.positions:
        return cut.map
    return f"{cut.map} pooled to {' x '.join(map(str, positions))}"
