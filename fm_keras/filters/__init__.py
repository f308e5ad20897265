"""Single filter performance: what each unit of a layer says about the labels.  NumPy and pandas alone.

fields.py    the field each unit puts on each output, and which of its elements count
clusters.py  the groups of labels a unit speaks for
noise.py     signal, noise and their ratio
table.py     one row per unit, one row per layer, and how evenly the labels are spread
removal.py   what the removal of a unit costs       choice.py  which units to remove together
intervals.py how sure a mean over images or a rank correlation is
"""

from fm_keras.filters.choice import ContributionsWithout, Savings, choose_units
from fm_keras.filters.clusters import NO_CLUSTER, find_clusters
from fm_keras.filters.fields import filter_fields, threshold_fields
from fm_keras.filters.intervals import BootstrapMeans, bootstrap_rank_correlation, rank_correlation
from fm_keras.filters.noise import expected_snr, measure_noise, signal_to_noise
from fm_keras.filters.removal import image_costs, removal_cost
from fm_keras.filters.table import (
    LabelHomogeneity,
    best_first,
    format_groups,
    label_homogeneity,
    layer_statistics,
    measure_filters,
    parse_groups,
    quality_statistics,
)

__all__ = [
    "NO_CLUSTER",
    "BootstrapMeans",
    "ContributionsWithout",
    "LabelHomogeneity",
    "Savings",
    "best_first",
    "bootstrap_rank_correlation",
    "choose_units",
    "expected_snr",
    "filter_fields",
    "find_clusters",
    "format_groups",
    "image_costs",
    "label_homogeneity",
    "layer_statistics",
    "measure_filters",
    "measure_noise",
    "parse_groups",
    "quality_statistics",
    "rank_correlation",
    "removal_cost",
    "signal_to_noise",
    "threshold_fields",
]
