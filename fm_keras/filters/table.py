"""Tables of filters: one row per unit, one row per layer, and how evenly labels are spread over the units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.filters.clusters import NO_CLUSTER
from fm_keras.filters.noise import measure_noise, signal_to_noise

Groups = tuple[tuple[int, ...], ...]

_NONE = "-"


def measure_filters(
    above: np.ndarray, cluster_of: np.ndarray, fields: np.ndarray | None = None, *, first: int = 0
) -> pd.DataFrame:
    """Measure every unit of a layer, or of a block of its units.

    Tables of blocks can be put below each other: `pd.concat(tables, ignore_index=True)`.

    Args:
        above: (U, K, K) bool, from `threshold_fields`.
        cluster_of: (U, K) int, from `find_clusters`.
        fields: (U, K, K) fields in logits, or (U,) the largest of each unit.
        first: number of the first unit.

    Returns:
        One row per unit.
        filter: its number.
        n_clusters, cluster_sizes (tuple, largest first), labels (tuple of the clusters in the same order).
        signal, internal_noise, external_noise, column_noise, snr: see `measure_noise`.
        strength: largest field in logits, only where `fields` are passed.
        dead: whether it has no positive field.

    Raises:
        InvalidInput: shapes that do not fit, or clusters of other fields.

    Source: arXiv:2305.18078.
    """
    above, cluster_of = np.asarray(above), np.asarray(cluster_of)
    noise = measure_noise(above, cluster_of)
    groups = [_groups(clusters) for clusters in cluster_of]
    heads = pd.DataFrame(
        {
            "filter": np.arange(first, first + len(groups)),
            "n_clusters": np.array([len(clusters) for clusters in groups], int),
            "cluster_sizes": pd.Series([tuple(map(len, clusters)) for clusters in groups], dtype=object),
            "labels": pd.Series(groups, dtype=object),
        }
    )
    table = pd.concat([heads, noise], axis=1)
    if fields is not None:
        table["strength"] = _strength(np.asarray(fields), above.shape)
    # The largest element of a live unit is always above the threshold.
    return table.assign(dead=~above.any(axis=(1, 2)))


def layer_statistics(table: pd.DataFrame, cluster_of: np.ndarray) -> pd.Series:
    """Summarize the units of a layer.

    Args:
        table: one row per unit of the layer, from `measure_filters`.
        cluster_of: (U, K) int, from `find_clusters`.

    Returns:
        n_clusters, signal, noise (external): means over all units.
        cluster_size: mean over clusters; NaN if there are none.
        noise_clustered: mean external noise of the units with a cluster; NaN if there are none.
        snr: mean diagonal over mean off-diagonal element of the sum of all units' `above`; 0 without signal,
        infinite with signal and no noise.
        dead: share of units without a positive field.
        label_cv: see `LabelHomogeneity`.
        Where the table has quality: quality, the sum over units where it is positive, in nats;
        quality_below_zero, the share of units without which the network is expected to do better;
        quality_around_zero, the share of those whose interval holds zero.

    Source: arXiv:2305.18078, Sci Rep 14, 5881 (2024).
    """
    signal, clusters = table["signal"].sum(), table["n_clusters"].sum()
    noise = table["internal_noise"].sum() + table["external_noise"].sum()
    statistics = pd.Series(
        {
            "n_clusters": table["n_clusters"].mean(),
            "cluster_size": signal / clusters if clusters else np.nan,
            "signal": table["signal"].mean(),
            "noise": table["external_noise"].mean(),
            "noise_clustered": table.loc[table["n_clusters"] > 0, "external_noise"].mean(),
            "snr": float(signal_to_noise(signal, noise, labels=cluster_of.shape[1])),
            "dead": table["dead"].mean(),
            "label_cv": label_homogeneity(cluster_of).cv,
        }
    )
    return pd.concat([statistics, quality_statistics(table)]) if "quality" in table else statistics


def quality_statistics(table: pd.DataFrame) -> pd.Series:
    """Summarize the quality of the units of a layer.

    Args:
        table: one row per unit: quality, quality_low, quality_high in nats.

    Returns:
        quality, quality_below_zero, quality_around_zero: see `layer_statistics`.

    Source: ours.
    """
    quality = table["quality"]
    return pd.Series(
        {
            "quality": quality.clip(lower=0).sum(),
            "quality_below_zero": (quality < 0).mean(),
            "quality_around_zero": ((table["quality_low"] <= 0) & (table["quality_high"] >= 0)).mean(),
        }
    )


def best_first(table: pd.DataFrame) -> pd.DataFrame:
    """Units by SNR, then by how many labels they pick, then by strength; dead ones last.

    Args:
        table: one row per unit, from `measure_filters` with fields.
    """
    return table.sort_values(["dead", "snr", "signal", "strength"], ascending=[True, False, False, False])


@dataclass(frozen=True, eq=False)
class LabelHomogeneity:
    """How evenly the labels are spread over the filters of a layer."""

    counts: np.ndarray
    """(K,) filters that hold each label in one of their clusters"""

    @property
    def least(self) -> int:
        """Filters of the label that the fewest hold."""
        return int(self.counts.min())

    @property
    def most(self) -> int:
        """Filters of the label that the most hold."""
        return int(self.counts.max())

    @property
    def cv(self) -> float:
        """Standard deviation of the counts over their mean: 0 where all are equal, also where no filter holds any."""
        return float(self.counts.std() / self.counts.mean()) if self.counts.any() else 0.0


def label_homogeneity(cluster_of: np.ndarray) -> LabelHomogeneity:
    """Count the filters that hold each label.

    Args:
        cluster_of: (U, K) int, from `find_clusters`.

    Returns:
        Counts (K,), with the least, the most and the coefficient of variation.

    Source: Sci Rep 14, 5881 (2024).
    """
    counts = (np.asarray(cluster_of) != NO_CLUSTER).sum(axis=0)
    counts.setflags(write=False)
    return LabelHomogeneity(counts)


def format_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Copy of a filter table with its tuples as text, for CSV and for people.

    Clusters {0, 5, 8} and {2} have the sizes "3 1" and the labels "0 5 8|2"; "-" stands for no clusters.

    Args:
        table: any table with the columns cluster_sizes and labels of `measure_filters`.

    Returns:
        The same table with text in these two columns.
    """
    sizes = table["cluster_sizes"].map(lambda sizes: _to_text((sizes,) if sizes else ()))
    return table.assign(cluster_sizes=sizes, labels=table["labels"].map(_to_text))


def parse_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Copy of a filter table with its text as tuples again: undoes `format_groups`.

    Args:
        table: a formatted table, as `pd.read_csv` gives it without options.

    Returns:
        The same table with tuples in cluster_sizes and labels.

    Raises:
        InvalidInput: text that is not of this form.
    """
    labels = [_from_text(text) for text in table["labels"]]
    sizes = [sum(_from_text(text), ()) for text in table["cluster_sizes"]]
    return table.assign(
        cluster_sizes=pd.Series(sizes, table.index, dtype=object), labels=pd.Series(labels, table.index, dtype=object)
    )


def _groups(clusters: np.ndarray) -> Groups:
    """Labels of each cluster of one unit, largest first."""
    groups: dict[int, list[int]] = {}
    for label in np.flatnonzero(clusters != NO_CLUSTER).tolist():
        groups.setdefault(int(clusters[label]), []).append(label)
    return tuple(sorted(map(tuple, groups.values()), key=lambda group: (-len(group), group)))


def _strength(fields: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    if fields.shape not in (shape, shape[:1]):
        raise InvalidInput(f"fields has shape {fields.shape}; for above {shape} it is {shape} or {shape[:1]}.")
    return (fields if fields.ndim == 1 else fields.max(axis=(1, 2))).astype(float)


def _to_text(groups: Groups) -> str:
    return "|".join(" ".join(map(str, group)) for group in groups) or _NONE


def _from_text(text: object) -> Groups:
    """The column may be numbers where pandas finds nothing else in it."""
    text = str(text)
    try:
        return () if text == _NONE else tuple(tuple(map(int, group.split())) for group in text.split("|"))
    except ValueError:
        raise InvalidInput(f"Clusters are written like '0 5 8|2', or '{_NONE}' for none; received {text!r}.") from None
