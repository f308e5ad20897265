import numpy as np
import pytest

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.filters import find_clusters, measure_filters, threshold_fields
from fm_keras.settings import AnalysisSettings, ProbeSettings


def made_up_layer(layer, units, labels, sharp, rng, *, kind="probe"):
    """Filters that each pick up to three labels, the more cleanly the larger `sharp` is."""
    fields = rng.normal(-0.2, 1.2 - sharp, (units, labels, labels)).astype(np.float32)
    for field in fields:
        picked = rng.choice(labels, min(labels, rng.integers(1, 4)), replace=False)
        field[np.ix_(picked, picked)] += 3
    above = threshold_fields(fields)
    cluster_of = find_clusters(above)
    table = measure_filters(above, cluster_of, fields)
    quality = rng.normal(0.002, 0.004, units) + 0.001 * rng.exponential(5, units)
    table = table.assign(quality=quality, quality_low=quality - 0.002, quality_high=quality + 0.003)
    accuracy = 0.4 + 0.5 * sharp if kind == "probe" else np.nan
    return LayerFilters(layer, "8 x 8", accuracy, None, None, cluster_of, table, 0.3, held=fields)


@pytest.fixture
def made_up(rng):
    """An analysis of made-up fields: both kinds with quality unless said otherwise."""

    def make(*, labels=10, layers=("conv1", "block/conv2", "conv3"), units=12, names=None, both=True):
        names = tuple(names or (f"label {number}" for number in range(labels)))

        def measure(kind):
            sharps = np.linspace(0.2, 0.9, len(layers))
            parts = (made_up_layer(*each, rng, kind=kind) for each in _each(layers, units, len(names), sharps))
            return tuple(parts)

        shared = {"label_names": names, "data": "made up", "images": 1000}
        network = Analysis(
            measured=measure("network"), settings=AnalysisSettings(fields="network"), probe=None, **shared
        )
        probes = measure("probe")
        if not both:
            probes = tuple(_without_quality(filters) for filters in probes)
        return Analysis(
            measured=probes,
            settings=AnalysisSettings(fields="both" if both else "probe"),
            probe=ProbeSettings(),
            network=network if both else None,
            **shared,
        )

    return make


def _each(layers, units, labels, sharps):
    return ((layer, units, labels, sharp) for layer, sharp in zip(layers, sharps))


def _without_quality(filters):
    table = filters.table.drop(columns=[name for name in filters.table if name.startswith("quality")])
    return LayerFilters(
        filters.layer, filters.map, filters.accuracy, None, None, filters.cluster_of, table, 0.3, held=filters.held
    )
