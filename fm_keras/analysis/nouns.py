"""What was measured: the filters of one layer, and of a whole network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fm_keras.analysis.view import FilterView
from fm_keras.errors import InvalidInput
from fm_keras.filters import (
    LabelHomogeneity,
    filter_fields,
    label_homogeneity,
    layer_statistics,
    threshold_fields,
)
from fm_keras.numbers import count
from fm_keras.settings import AnalysisSettings, ProbeSettings

_BLOCK_BYTES = 64e6


@dataclass(frozen=True, eq=False)
class LayerFilters:
    """The units of one layer: K labels, U units, P positions of the probe.  Arrays are read-only."""

    layer: str
    """path of the layer, as `cut_points` names it"""
    map: str
    """positions of the layer in words: '8 x 8', '32 x 32 pooled to 16 x 16', '64 tokens', '-'"""
    accuracy: float
    """of the probe, on the test images; NaN where there is no probe"""
    class_means: np.ndarray | None
    """(K, P, U) mean activation of every label; None where there is no probe"""
    kernel: np.ndarray | None
    """(P, U, K) weights of the probe; None where there is none"""
    cluster_of: np.ndarray
    """(U, K) number of the cluster that holds each label, -1 for none"""
    table: pd.DataFrame
    """one row per unit, see `fm_keras.filters.measure_filters`; with quality, quality_low, quality_high after network
    fields were measured"""
    threshold: float
    """share of a unit's largest field above which an element counts"""
    held: np.ndarray | None = None
    """(U, K, K) fields that do not come from class means and kernel, such as network fields; None where they do"""

    def __post_init__(self) -> None:
        for array in (self.class_means, self.kernel, self.cluster_of, self.held):
            if array is not None:
                array.setflags(write=False)

    def __len__(self) -> int:
        return self.cluster_of.shape[0]

    def fields_of(self, units: Sequence[int] | slice) -> np.ndarray:
        """Fields (units, K, K) of some units in logits: [unit, label of the input, output]."""
        if self.held is not None:
            return self.held[units]
        return filter_fields(self.class_means[..., units], self.kernel[:, units])

    def field_blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Fields of all units in blocks that fit in memory: the number of the first unit, and the block."""
        labels = self.cluster_of.shape[1]
        size = max(1, int(_BLOCK_BYTES / (4 * labels**2)))
        for first in range(0, len(self), size):
            yield first, self.fields_of(slice(first, first + size))

    @property
    def fields(self) -> np.ndarray:
        """(U, K, K) fields in logits; 2 GB for 512 units and 1,000 labels: use `field_blocks` there."""
        return self.fields_of(slice(None))

    @property
    def above(self) -> np.ndarray:
        """(U, K, K) bool: which elements of the fields are above the threshold."""
        return threshold_fields(self.fields, self.threshold)

    @property
    def homogeneity(self) -> LabelHomogeneity:
        """How evenly the labels are spread over the units."""
        return label_homogeneity(self.cluster_of)

    def __repr__(self) -> str:
        return f"LayerFilters({self.layer!r}, {len(self)} units, {self.cluster_of.shape[1]} labels)"


@dataclass(frozen=True, eq=False)
class Analysis:
    """What every filter of a network says about the labels, layer by layer in depth order."""

    label_names: tuple[str, ...]
    measured: tuple[LayerFilters, ...]
    data: str
    """name of the data set"""
    images: int
    """number of images over which the fields are averaged"""
    settings: AnalysisSettings
    probe: ProbeSettings | None
    """how the probes were trained; None where there are none"""
    network: Analysis | None = None
    """the network fields of the same layers, where both kinds were measured"""
    loss: float = math.nan
    """mean cross entropy of the network in nats on the images of its fields; NaN without network fields"""

    def layers(self) -> pd.DataFrame:
        """One row per layer.

        Columns: layer, units, positions, accuracy (of the probe, on test), n_clusters, cluster_size, signal, noise,
        noise_clustered (mean over filters with a cluster), snr, dead, label_cv; with network fields also quality,
        quality_below_zero, quality_around_zero: see `fm_keras.filters.layer_statistics`.
        """
        rows = []
        for filters in self:
            heads = {"layer": filters.layer, "units": len(filters), "positions": filters.map}
            statistics = layer_statistics(filters.table, filters.cluster_of)
            rows.append({**heads, "accuracy": filters.accuracy, **statistics})
        return pd.DataFrame(rows)

    def filters(self) -> pd.DataFrame:
        """One row per filter of every layer: layer, and the columns of `fm_keras.filters.measure_filters`.

        With network fields also quality, quality_low, quality_high in nats: see `fm_keras.filters.removal_cost`.
        """
        tables = []
        for filters in self:
            table = filters.table.copy()
            table.insert(0, "layer", filters.layer)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def filter(self, layer: str, number: int) -> FilterView:
        """One filter as people look at it; in a notebook it shows its matrix.

        Raises:
            InvalidInput: a layer that was not measured, or a filter that it does not have.
        """
        filters = self[layer]
        if not 0 <= number < len(filters):
            raise InvalidInput(f"{layer} has filters 0 to {len(filters) - 1}; there is no {number}.")
        fields = filters.fields_of([number])
        return FilterView(
            layer=layer,
            number=number,
            units=len(filters),
            label_names=self.label_names,
            field=fields[0],
            above=threshold_fields(fields, filters.threshold)[0],
            cluster_of=filters.cluster_of[number],
            row=filters.table.iloc[number],
            threshold=filters.threshold,
            source=self.source,
        )

    @property
    def source(self) -> str:
        """What the fields are means of: probe fields over 10,000 test images of cifar10."""
        images = f"{count(self.images, f'{self.settings.split} image')} of {self.data}"
        if self.settings.fields != "network":
            return f"probe fields over {images}"
        return f"network fields over {images}"

    def save(self, folder: str | Path) -> None:
        """Write the analysis as CSV and .npz files; see `fm_keras.analysis.save_analysis`."""
        from fm_keras.analysis.store import save_analysis

        save_analysis(self, Path(folder))

    def to_html(self, path: str | Path) -> None:
        """Write the analysis as one web page; see `fm_keras.reports.write_report`."""
        from fm_keras.reports import write_report

        write_report(self, path)

    @classmethod
    def load(cls, folder: str | Path) -> Analysis:
        """Read a saved analysis; see `fm_keras.analysis.load_analysis`."""
        from fm_keras.analysis.store import load_analysis

        return load_analysis(Path(folder))

    def __getitem__(self, layer: str) -> LayerFilters:
        for filters in self:
            if filters.layer == layer:
                return filters
        raise InvalidInput(f"No layer {layer!r} was measured. There are: {', '.join(f.layer for f in self)}.")

    def __contains__(self, layer: object) -> bool:
        return any(filters.layer == layer for filters in self)

    def __iter__(self) -> Iterator[LayerFilters]:
        return iter(self.measured)

    def __len__(self) -> int:
        return len(self.measured)

    def __repr__(self) -> str:
        units = sum(len(filters) for filters in self)
        return f"Analysis({self.data!r}, layers={len(self)}, filters={units}, labels={len(self.label_names)})"

    def _repr_html_(self) -> str:
        from fm_keras.analysis.notebook import analysis_html

        return analysis_html(self)
