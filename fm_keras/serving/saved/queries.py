"""Signatures that ask for what is known of layers and filters, without an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from fm_keras.analysis import Analysis
from fm_keras.serving.saved.predictions import by_layer
from fm_keras.serving.saved.tables import LayerTables, Table, filter_table, layer_table, top_table

MOST_FILTERS = 100


class Knowledge(keras.layers.Layer):
    """Everything an export knows of the filters of a network, in variables.

    Args:
        analysis: of the filters.
        output_names: names of the network's outputs.
    """

    def __init__(self, analysis: Analysis, output_names: Sequence[str]) -> None:
        super().__init__(trainable=False, dtype="float32", name="knowledge")
        self.names = Names.of(analysis, output_names)
        self.units = [len(filters) for filters in analysis]
        self.most = min(MOST_FILTERS, max(self.units))
        self.layers = [LayerTables(filters, name=f"layer_{number}") for number, filters in enumerate(analysis)]
        self.filter_rows: Table = filter_table(analysis)
        self.layer_rows: Table = layer_table(analysis)
        self.top_rows: Table = top_table(analysis, self.most)
        self.built = True

    def check_layer(self, layer_index) -> tuple[Any, Any]:
        """Layers (N,) within range, and which were."""
        return _within(layer_index, len(self.units))

    def check_filter(self, layer_index, filter_index) -> tuple[Any, Any, Any]:
        """Layers (N,) and filters (N,) within range, and where both were."""
        import tensorflow as tf

        layer, known = self.check_layer(layer_index)
        unit, there = _within(filter_index, tf.gather(self.units, layer))
        return layer, unit, known & there

    def filter_quality(self, layer_index, filter_index) -> dict[str, Any]:
        """Clusters, noise and SNR of filters, and quality where it was measured."""
        import tensorflow as tf

        layer, unit, valid = self.check_filter(layer_index, filter_index)
        first = tf.constant(np.cumsum([0, *self.units[:-1]]), tf.int32)
        return {**self.filter_rows.read(tf.gather(first, layer) + unit, valid), "valid": valid}

    def filter_field(self, layer_index, filter_index) -> dict[str, Any]:
        """Fields (N, K, K) of filters."""
        import tensorflow as tf

        layer, unit, valid = self.check_filter(layer_index, filter_index)
        field = by_layer(
            layer, len(self.layers), lambda number, rows: self.layers[number].fields(tf.gather(unit, rows))
        )
        return {"field": tf.where(valid[:, None, None], field, 0.0), "valid": valid}

    def top_filters(self, layer_index, label, count) -> dict[str, Any]:
        """Filters that speak most for a label, and their shares."""
        import tensorflow as tf

        layer, known = self.check_layer(layer_index)
        label, named = _within(label, len(self.names.labels))
        valid = known & named & (count >= 0)
        found = self.top_rows.read(layer * len(self.names.labels) + label, valid)
        shown = tf.range(self.most) < count[:, None]
        return {
            "filters": tf.where(shown, found["filters"], -1),
            "share": tf.where(shown, found["share"], 0.0),
            "valid": valid,
        }

    def layer_summary(self, layer_index) -> dict[str, Any]:
        """Accuracy, means and SNR of layers."""
        layer, valid = self.check_layer(layer_index)
        return {**self.layer_rows.read(layer, valid), "valid": valid}

    def describe(self, layer_index) -> dict[str, Any]:
        """Names of layers, labels and outputs."""
        import tensorflow as tf

        layer, valid = self.check_layer(layer_index)
        row, count = tf.where(valid, layer, len(self.units)), tf.shape(layer)[0]
        lists = {"layer_names": self.names.layers, "label_names": self.names.labels, "output_names": self.names.outputs}
        return {
            "layer": tf.gather([*self.names.layers, ""], row),
            "units": tf.gather([*self.units, 0], row),
            "positions": tf.gather([*self.names.positions, ""], row),
            "fields": tf.repeat([self.names.fields], count),
            "threshold": tf.repeat([self.names.threshold], count),
            **{name: tf.tile(tf.constant([values]), [count, 1]) for name, values in lists.items()},
            "valid": valid,
        }


@dataclass(frozen=True)
class Names:
    """What stands in words in an export."""

    layers: list[str]
    positions: list[str]
    labels: list[str]
    outputs: list[str]
    fields: str
    """probe or network: what the fields of filters are fields of"""
    threshold: float
    """share of the largest element of a field above which an element counts"""

    @classmethod
    def of(cls, analysis: Analysis, output_names: Sequence[str]) -> Names:
        """The names of an analysis."""
        return cls(
            layers=[filters.layer for filters in analysis],
            positions=[filters.map for filters in analysis],
            labels=list(analysis.label_names),
            outputs=list(output_names),
            fields="network" if analysis.settings.fields == "network" else "probe",
            threshold=analysis.settings.threshold,
        )


def _within(index, size) -> tuple[Any, Any]:
    """Indices (N,) within 0 and a size, and which were."""
    import tensorflow as tf

    return tf.clip_by_value(index, 0, size - 1), (index >= 0) & (index < size)
