"""One filter as people look at it: its field, what of it counts, and which labels it speaks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fm_keras.filters import NO_CLUSTER
from fm_keras.numbers import count, figures

_LONGEST = 40
"""letters of a label's name in a sentence"""


def short_names(names: Sequence[str], longest: int) -> list[str]:
    """Names on one line, the long ones cut; where two would look the same, with their numbers.

    Args:
        names: of all labels.
        longest: letters of a name.
    """
    names = [name if name.strip() else f"#{number}" for number, name in enumerate(names)]
    often = Counter(_cut(name, longest) for name in names)
    return [
        f"{_cut(name, longest - 5)} #{number}" if often[_cut(name, longest)] > 1 else _cut(name, longest)
        for number, name in enumerate(names)
    ]


def _cut(name: str, longest: int) -> str:
    name = " ".join(name.split())
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"


def noise_elements(above: np.ndarray, cluster_of: np.ndarray) -> np.ndarray:
    """(K, K) bool: elements above the threshold outside all clusters.

    Args:
        above: (K, K) bool, elements of one filter above the threshold.
        cluster_of: (K,) number of the cluster that holds each label, -1 for none.
    """
    inside = (cluster_of[:, None] == cluster_of) & (cluster_of != NO_CLUSTER)
    return above & ~inside


def label_order(above: np.ndarray, cluster_of: np.ndarray) -> np.ndarray:
    """(K,) labels so that clusters are blocks: the largest first; then the others, the noisiest first.

    Args:
        above: (K, K) bool, elements of one filter above the threshold.
        cluster_of: (K,) number of the cluster that holds each label, -1 for none.
    """
    noise = noise_elements(above, cluster_of)
    free = cluster_of == NO_CLUSTER
    sizes = np.bincount(cluster_of[~free], minlength=1)
    size = np.where(free, 0, sizes[np.maximum(cluster_of, 0)])
    noise_of = (noise.sum(axis=0) + noise.sum(axis=1)) * free
    return np.lexsort((np.arange(len(free)), -noise_of, cluster_of, -size))


@dataclass(frozen=True, eq=False)
class FilterView:
    """One unit of a layer: K labels.  Shows itself in a notebook."""

    layer: str
    """path of the layer"""
    number: int
    """of the filter, from 0"""
    units: int
    """of the layer"""
    label_names: tuple[str, ...]
    """K names"""
    field: np.ndarray
    """(K, K) in logits: [label of the input, output]"""
    above: np.ndarray
    """(K, K) bool: elements above the threshold"""
    cluster_of: np.ndarray
    """(K,) number of the cluster that holds each label, -1 for none"""
    row: pd.Series
    """what was measured of it: see `fm_keras.filters.measure_filters`"""
    threshold: float
    """share of the largest element above which an element counts"""
    source: str
    """what the field is a mean of, in words"""
    word: str = "filter"
    """what the unit is called: a filter, or a head of attention"""

    @property
    def noise(self) -> np.ndarray:
        """(K, K) bool: elements above the threshold outside all clusters."""
        return noise_elements(self.above, self.cluster_of)

    @property
    def order(self) -> np.ndarray:
        """(K,) labels so that clusters are blocks: the largest first; then the others, the noisiest first."""
        return label_order(self.above, self.cluster_of)

    @property
    def title(self) -> str:
        """conv5_3, filter 17 of 64: cluster {cat, dog}."""
        word = "clusters" if self.row.n_clusters > 1 else "cluster"
        picks = f"{word} {self.clusters()}" if self.row.n_clusters else "no cluster"
        return f"{self.layer}, {self.word} {self.number} of {self.units:,}: {'dead' if self.row.dead else picks}"

    @property
    def said(self) -> str:
        """2 noise elements, SNR 4.50, costs 0.0120 nats to lose (0.00900 to 0.0150)."""
        parts = [count(int(self.row.external_noise), "noise element"), f"SNR {figures(self.row.snr)}"]
        if "quality" in self.row:
            low, high = figures(self.row.quality_low), figures(self.row.quality_high)
            parts.append(f"costs {figures(self.row.quality)} nats to lose ({low} to {high})")
        return ", ".join(parts)

    @property
    def caption(self) -> str:
        """What the field is a mean of, and what counts of it."""
        largest = f" ({figures(self.threshold * self.field.max())} logits)" if self.field.max() > 0 else ""
        return (
            f"{self.source[:1].upper()}{self.source[1:]}; threshold {self.threshold:g} of the largest element{largest}"
        )

    def clusters(self, most: int = 12) -> str:
        """Clusters by label name: {cat, dog} {ship}.

        Args:
            most: labels to name; of the rest it says how many there are.
        """
        groups, left = [], most
        for labels in self.row.labels:
            named = [_cut(self.label_names[label], _LONGEST) for label in labels[: max(left, 0)]]
            left -= len(labels)
            if named:
                groups.append(f"{{{', '.join(named)}{', …' if left < 0 else ''}}}")
        return " ".join([*groups, *([f"and {count(-left, 'label')} more"] if left < 0 else [])])

    def left_out(self, shown: np.ndarray) -> str:
        """What of the matrix is not shown, in words; empty where all is.

        Args:
            shown: the first labels of `order`.
        """
        labels = len(self.label_names)
        if len(shown) == labels:
            return ""
        missing = int(self.noise.sum() - self.noise[np.ix_(shown, shown)].sum())
        clustered = int((np.delete(self.cluster_of, shown) != NO_CLUSTER).sum())
        held = f", {count(clustered, 'label')} of clusters among them" if clustered else ""
        return (
            f"Shown are {len(shown)} of {labels:,} labels, those of the clusters and the noisiest; "
            f"left out: {count(labels - len(shown), 'label')} with {count(missing, 'noise element')}{held}."
        )

    def __repr__(self) -> str:
        return f"FilterView({self.title}, {self.said})"

    def _repr_html_(self) -> str:
        from fm_keras.analysis.notebook import filter_html

        return filter_html(self)
