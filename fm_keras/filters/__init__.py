"""Single filter performance: what each unit of a layer says about the labels.  NumPy and pandas alone.

fields.py    the field each unit puts on each output, and which of its elements count
clusters.py  the groups of labels a unit speaks for
noise.py     signal, noise and their ratio
table.py     one row per unit, one row per layer, and how evenly the labels are spread
"""

from fm_keras.filters.clusters import NO_CLUSTER, find_clusters
from fm_keras.filters.fields import filter_fields, threshold_fields
from fm_keras.filters.noise import expected_snr, measure_noise, signal_to_noise
from fm_keras.filters.table import (
    LabelHomogeneity,
    format_groups,
    label_homogeneity,
    layer_statistics,
    measure_filters,
    parse_groups,
)

__all__ = [
    "NO_CLUSTER",
    "LabelHomogeneity",
    "expected_snr",
    "filter_fields",
    "find_clusters",
    "format_groups",
    "label_homogeneity",
    "layer_statistics",
    "measure_filters",
    "measure_noise",
    "parse_groups",
    "signal_to_noise",
    "threshold_fields",
]
