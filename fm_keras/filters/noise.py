"""Signal, noise and their ratio: what clusters get right and what lies beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.filters.clusters import NO_CLUSTER, check_above


def measure_noise(above: np.ndarray, cluster_of: np.ndarray) -> pd.DataFrame:
    """Count each unit's ones: on the diagonal, inside its clusters, outside them.

    Args:
        above: (U, K, K) bool, from `threshold_fields`.
        cluster_of: (U, K) int, from `find_clusters` of the same `above`.

    Returns:
        One row per unit; counts of ones, and their ratio:
        signal: on the diagonal; every one of them belongs to a cluster.
        internal_noise: inside clusters, off the diagonal.
        external_noise: outside all clusters (the papers' noise n).
        column_noise: those of the external noise in columns of the unit's own clusters.
        snr: see `signal_to_noise`.
        signal, internal_noise and external_noise add up to all ones of the unit.

    Raises:
        InvalidInput: shapes that do not fit, or clusters of other fields.

    Source: arXiv:2305.18078; snr is ours.
    """
    above, cluster_of = np.asarray(above), np.asarray(cluster_of)
    _check_match(above, cluster_of)
    clustered = cluster_of != NO_CLUSTER
    sizes = _cluster_sizes(cluster_of)
    column_ones = above.sum(axis=1)
    signal = sizes.sum(axis=1)
    internal = (sizes * (sizes - 1)).sum(axis=1)
    external = column_ones.sum(axis=1) - signal - internal
    return pd.DataFrame(
        {
            "signal": signal,
            "internal_noise": internal,
            "external_noise": external,
            "column_noise": (column_ones * clustered).sum(axis=1) - signal - internal,
            "snr": signal_to_noise(signal, internal + external, labels=cluster_of.shape[1]),
        }
    )


def signal_to_noise(signal: np.ndarray, noise: np.ndarray, labels: int) -> np.ndarray:
    """Mean of the diagonal over mean of the off-diagonal elements, from their sums (ours).

    snr = (K - 1) * signal / noise.  Summed over the filters of a layer it is the layer's SNR; for one filter it
    shares the layer's scale.

    Args:
        signal: sum of the K diagonal elements.
        noise: sum of the K (K - 1) others, inside and outside of clusters.
        labels: number of labels, K.

    Returns:
        Ratio of the same shape: 0 without signal, infinite with signal and no noise.
    """
    signal, noise = np.broadcast_arrays(np.asarray(signal, float), np.asarray(noise, float))
    without_noise = np.where(signal > 0, np.inf, 0.0)
    return np.divide((labels - 1) * signal, noise, out=without_noise, where=noise > 0)


def expected_snr(n_clusters: float, cluster_size: float, noise: float, labels: int) -> float:
    """SNR of a layer whose filters all have the same clusters and noise (ours).

    SNR = N_c C_s (K - 1) / (N_c C_s (C_s - 1) + n).  With 10 labels, one cluster of 3 and no external noise it is
    4.5: the signal 150 over noise 33.3 that arXiv:2305.18078 states for 500 filters.

    Args:
        n_clusters: clusters of a filter, N_c.
        cluster_size: labels of a cluster, C_s.
        noise: external noise of a filter, n.
        labels: number of labels, K.

    Returns:
        The ratio: 0 without clusters, infinite with clusters and no noise.
    """
    signal = n_clusters * cluster_size
    return float(signal_to_noise(signal, signal * (cluster_size - 1) + noise, labels))


def _cluster_sizes(cluster_of: np.ndarray) -> np.ndarray:
    """(U, K) labels of each cluster number."""
    sizes = np.zeros(cluster_of.shape, int)
    unit, label = np.nonzero(cluster_of != NO_CLUSTER)
    np.add.at(sizes, (unit, cluster_of[unit, label]), 1)
    return sizes


def _check_match(above: np.ndarray, cluster_of: np.ndarray) -> None:
    check_above(above)
    if cluster_of.shape != above.shape[:2]:
        raise InvalidInput(f"cluster_of has shape {cluster_of.shape}; for above {above.shape} it is {above.shape[:2]}.")
    strange = np.flatnonzero(((cluster_of != NO_CLUSTER) != above.diagonal(axis1=1, axis2=2)).any(axis=1))
    if strange.size:
        raise InvalidInput(
            f"The clusters of unit {strange[0]} are not those of its diagonal; use find_clusters of the same `above`."
        )
