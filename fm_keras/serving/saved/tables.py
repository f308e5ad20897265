"""What is known of every filter, in variables: a graph may hold 2 GB, variables any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.serving.saved.ranking import ranked_filters

_COUNTS = ("n_clusters", "signal", "internal_noise", "external_noise")
_QUALITY = ("quality", "quality_low", "quality_high")
_LAYER_MEANS = ("n_clusters", "cluster_size", "signal", "noise", "noise_clustered", "dead", "label_cv")
_LAYER_QUALITY = ("quality", "quality_below_zero", "quality_around_zero")


class Table(keras.layers.Layer):
    """Columns of equal length that are read by rows; behind them stands the row that answers for what is not there.

    Args:
        columns: arrays (rows, ...) by name.
        neutral: by name, what is answered beyond the last row; 0 or False where nothing is said.
    """

    def __init__(self, columns: Mapping[str, np.ndarray], neutral: Mapping[str, int] | None = None, **kwargs: Any):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.rows = len(next(iter(columns.values())))
        self.columns = {}
        for column, values in columns.items():
            last = np.full((1, *values.shape[1:]), (neutral or {}).get(column, 0), values.dtype)
            self.columns[column] = _variable(self, column, np.concatenate([values, last]))
        self.built = True

    def read(self, rows, valid) -> dict[str, Any]:
        """Columns by name at some rows (N,), the neutral row where they are not valid (N,)."""
        import tensorflow as tf

        rows = tf.where(valid, rows, self.rows)
        return {name: tf.gather(column.value, rows) for name, column in self.columns.items()}


class LayerTables(keras.layers.Layer):
    """Probe and fields of the units of one layer.

    Fields are kept as they are or as the factors they are products of, whichever is smaller: those of a thousand labels
    would fill gigabytes.

    Args:
        filters: of the layer.
    """

    def __init__(self, filters: LayerFilters, **kwargs: Any):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.kernel = self.means = self.whole = None
        if filters.kernel is not None:  # (U, P, K): units first, so that a few are read without the others
            self.kernel = _variable(self, "kernel", filters.kernel.transpose(1, 0, 2))
        if filters.held is not None or filters.kernel.shape[0] >= filters.kernel.shape[2]:
            self.whole = _variable(self, "fields", filters.fields)
        else:  # (U, K, P)
            self.means = _variable(self, "class_means", filters.class_means.transpose(2, 0, 1))
        self.built = True

    def fields(self, units):
        """Fields (n, K, K) of some units (n,)."""
        import tensorflow as tf

        if self.whole is not None:
            return tf.gather(self.whole.value, units)
        return tf.matmul(tf.gather(self.means.value, units), tf.gather(self.kernel.value, units))

    def logits(self, activations):
        """What the probe makes (n, K) of activations (n, P, U)."""
        import tensorflow as tf

        units, positions, labels = self.kernel.shape
        flat = tf.reshape(tf.transpose(activations, [0, 2, 1]), [-1, units * positions])
        return tf.matmul(flat, tf.reshape(self.kernel.value, [units * positions, labels]))

    def response(self, activations, units):
        """Field (n, K) that one unit each (n,) puts on the outputs for activations (n, P, U)."""
        import tensorflow as tf

        chosen = tf.gather(activations, units, axis=2, batch_dims=1)
        return tf.einsum("np,npk->nk", chosen, tf.gather(self.kernel.value, units))


def filter_table(analysis: Analysis) -> Table:
    """One row per filter, those of the first layer first: counts, SNR, clusters, and quality where it was measured."""
    table, labels = analysis.filters(), len(analysis.label_names)
    columns = {name: table[name].to_numpy(np.int32) for name in _COUNTS}
    columns["cluster_of"] = np.concatenate([filters.cluster_of for filters in analysis]).astype(np.int32)
    noise = columns["internal_noise"] + columns["external_noise"]
    columns["snr"] = finite_snr(columns["signal"], noise, labels)
    columns["dead"] = table["dead"].to_numpy(bool)
    if "quality" in table:
        columns |= {name: table[name].to_numpy(np.float32) for name in _QUALITY}
    return Table(columns, {"cluster_of": -1}, name="filters")


def layer_table(analysis: Analysis) -> Table:
    """One row per layer: units, accuracy of the probe, means over the filters, SNR; quality where it was measured."""
    table, labels = analysis.layers(), len(analysis.label_names)
    columns = {"units": table["units"].to_numpy(np.int32)}
    if table["accuracy"].notna().all():
        columns["accuracy"] = table["accuracy"].to_numpy(np.float32)
    means = [*_LAYER_MEANS, *(_LAYER_QUALITY if "quality" in table else ())]
    columns |= {name: table[name].fillna(0).to_numpy(np.float32) for name in means}
    internal = np.array([filters.table["internal_noise"].sum() for filters in analysis])
    noise = internal + [filters.table["external_noise"].sum() for filters in analysis]
    columns["internal_noise"] = (internal / columns["units"]).astype(np.float32)
    columns["snr"] = finite_snr([filters.table["signal"].sum() for filters in analysis], noise, labels)
    return Table(columns, name="layers")


def top_table(analysis: Analysis, most: int) -> Table:
    """One row per layer and label: the filters that speak most for the label, and their shares; -1 behind the last.

    Args:
        analysis: of the filters.
        most: filters of a row.
    """
    numbers, shares = zip(*(ranked_filters(filters, most) for filters in analysis))
    columns = {"filters": np.concatenate(numbers), "share": np.concatenate(shares)}
    return Table(columns, {"filters": -1}, name="top")


def finite_snr(signal: Sequence[int] | np.ndarray, noise: np.ndarray, labels: int) -> np.ndarray:
    """SNR as numbers that JSON knows: what has no noise at all gets the SNR of one element of noise.

    Args:
        signal: ones on the diagonal.
        noise: ones beside it.
        labels: number of labels, K.
    """
    return ((labels - 1) * np.asarray(signal) / np.maximum(noise, 1)).astype(np.float32)


def _variable(layer: keras.layers.Layer, name: str, values: np.ndarray) -> keras.Variable:
    variable = layer.add_weight(
        shape=values.shape, dtype=str(values.dtype), initializer="zeros", trainable=False, name=name
    )
    variable.assign(values)
    return variable
