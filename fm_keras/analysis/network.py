"""From network fields and quality to the measured filters of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fm_keras.analysis.measure import measure_units
from fm_keras.analysis.nouns import Analysis, LayerFilters
from fm_keras.data import Dataset
from fm_keras.filters import quality_statistics
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import CutPoint, NetworkMeasures


def network_analysis(
    dataset: Dataset, cuts: Sequence[CutPoint], measures: NetworkMeasures, settings: AnalysisSettings
) -> Analysis:
    """The analysis of the fields that units put on the network's own logits.

    Args:
        dataset: what was measured on.
        cuts: where the network was cut.
        measures: network fields and quality of these cuts.
        settings: threshold and method of clustering.
    """
    measured = (
        with_quality(measure_units(_unmeasured(cut, measures.fields[cut.layer], settings), settings), measures)
        for cut in cuts
    )
    return Analysis(
        label_names=dataset.label_names,
        measured=tuple(measured),
        data=dataset.name,
        images=measures.images,
        settings=settings.changed(fields="network"),
        probe=None,
        loss=measures.loss,
    )


def quality_tables(measures: NetworkMeasures) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Quality alone, where fields would not fit in memory.

    Returns:
        One row per layer: layer, units, quality, quality_below_zero, quality_around_zero.  One row per filter: layer,
        filter, quality, quality_low, quality_high.
    """
    layers = [
        {"layer": layer, "units": len(table), **quality_statistics(table)} for layer, table in measures.quality.items()
    ]
    filters = [
        table.assign(layer=layer, filter=table.index)[["layer", "filter", *table.columns]]
        for layer, table in measures.quality.items()
    ]
    return pd.DataFrame(layers), pd.concat(filters, ignore_index=True)


def with_quality(filters: LayerFilters, measures: NetworkMeasures) -> LayerFilters:
    """The same layer with the columns quality, quality_low and quality_high."""
    table = pd.concat([filters.table, measures.quality[filters.layer]], axis=1)
    return LayerFilters(**{**vars(filters), "table": table})


def _unmeasured(cut: CutPoint, fields: np.ndarray, settings: AnalysisSettings) -> LayerFilters:
    return LayerFilters(
        layer=cut.layer,
        map=cut.map,
        accuracy=math.nan,
        class_means=None,
        kernel=None,
        cluster_of=np.full(fields.shape[:2], -1),
        table=pd.DataFrame(),
        threshold=settings.threshold,
        held=fields,
    )
