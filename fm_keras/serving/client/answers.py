"""What a model server answers, as the client hands it on.  NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Predictions:
    """What the network makes of N images."""

    probabilities: np.ndarray
    """(N, K)"""
    logits: np.ndarray
    """(N, K)"""
    labels: np.ndarray
    """(N,) numbers of the likeliest labels; -1 where logits are NaN or infinite"""
    label_names: tuple[str, ...]
    """K names of the network's outputs"""

    @property
    def names(self) -> list[str]:
        """Names of the N likeliest labels; empty where logits are NaN or infinite."""
        return [self.label_names[label] if label >= 0 else "" for label in self.labels]


@dataclass(frozen=True, eq=False)
class FilterQuality:
    """What one filter says about the labels, and what it is worth."""

    layer: str
    filter: int
    cluster_of: np.ndarray
    """(K,) number of the cluster that holds each label, -1 for none"""
    label_names: tuple[str, ...]
    """K names"""
    n_clusters: int
    signal: int
    internal_noise: int
    external_noise: int
    snr: float
    """infinite where there is signal and no noise"""
    dead: bool
    quality: float | None
    """loss in nats that its removal is expected to cost; None where it was not measured"""
    quality_low: float | None
    quality_high: float | None

    @property
    def clusters(self) -> tuple[tuple[str, ...], ...]:
        """Names of the labels of each cluster, the largest cluster first."""
        names = np.array(self.label_names)
        found = [tuple(map(str, names[self.cluster_of == number])) for number in range(self.n_clusters)]
        return tuple(sorted(found, key=len, reverse=True))


@dataclass(frozen=True)
class TopFilter:
    """A filter that speaks for a label."""

    filter: int
    share: float
    """of the layer's field of this label on its own output"""


@dataclass(frozen=True)
class LayerSummary:
    """What was measured of a layer as a whole: means over its filters."""

    layer: str
    units: int
    accuracy: float | None
    """of the probe on test images; None without a probe"""
    n_clusters: float
    cluster_size: float
    """over clusters"""
    signal: float
    noise: float
    snr: float
    """of the fields of all filters together"""
    dead: float
    """share of filters without a positive field"""
    label_cv: float
    """coefficient of variation of the number of filters that hold a label"""
    quality: float | None
    """sum over the filters that are worth something, in nats; None where it was not measured"""


@dataclass(frozen=True)
class ModelVersion:
    """One version of the model."""

    version: int
    state: str
    """AVAILABLE, or START, LOADING, UNLOADING, END"""
    message: str
    """what went wrong, if anything"""


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a signature."""

    dtype: str
    """as DT_FLOAT"""
    shape: tuple[int, ...] | None
    """-1 where any length goes; None where any rank does"""


@dataclass(frozen=True)
class SignatureInfo:
    """What can be asked of a model, by name."""

    method: str
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]


def read_quality(layer: str, number: int, row: Mapping[str, Any], label_names: tuple[str, ...]) -> FilterQuality:
    """One filter of an answer of filter_quality.

    Args:
        layer: path of the layer.
        number: of the filter.
        row: what the server says of it, by name of the output.
        label_names: K names.
    """
    counts = {name: int(row[name]) for name in ("n_clusters", "signal", "internal_noise", "external_noise")}
    clean = counts["signal"] > 0 and counts["internal_noise"] + counts["external_noise"] == 0
    return FilterQuality(
        layer=layer,
        filter=number,
        cluster_of=row["cluster_of"],
        label_names=label_names,
        **counts,
        snr=math.inf if clean else float(row["snr"]),  # JSON has no infinity
        dead=bool(row["dead"]),
        **{name: float(row[name]) if name in row else None for name in ("quality", "quality_low", "quality_high")},
    )


def read_layer_summary(layer: str, row: Mapping[str, Any]) -> LayerSummary:
    """One layer of an answer of layer_summary.

    Args:
        layer: path of the layer.
        row: what the server says of it, by name of the output.
    """
    names = ("n_clusters", "cluster_size", "signal", "noise", "snr", "dead", "label_cv")
    return LayerSummary(
        layer=layer,
        units=int(row["units"]),
        **{name: float(row[name]) for name in names},
        **{name: float(row[name]) if name in row else None for name in ("accuracy", "quality")},
    )
