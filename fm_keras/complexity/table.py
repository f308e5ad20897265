"""All measures: what each says, its bounds, its source, its cost; and several of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fm_keras.complexity.distances import Cloud
from fm_keras.complexity.measures import Geometry
from fm_keras.complexity.plan import OF_THE_TREE
from fm_keras.complexity.ratio import Ratio
from fm_keras.errors import InvalidInput


@dataclass(frozen=True)
class Measure:
    """One measure, as people read about it."""

    name: str
    """n1, n3, …"""
    what: str
    """what is counted or summed"""
    bounds: str
    """smallest and largest value"""
    meaning: str
    """what it means when it falls"""
    source: str
    """where it was published"""
    cost: str
    """arithmetic for N points of D coordinates"""


_HO, _LORENA, _FACCO = "doi:10.1109/34.990132", "doi:10.1145/3347711", "doi:10.1038/s41598-017-11873-y"
_MEASURES = (
    Measure("n1", "points on a tree edge between classes, share", "0 to 1", "borders are shorter", _HO, "N² D"),
    Measure("n1_edges", "tree edges between classes, share", "0 to 1", "borders are shorter", _LORENA, "N² D"),
    Measure("n2", "distance to own class / to another, sums", "0 to ∞", "classes are more compact", _HO, "N² D"),
    Measure("n3", "nearest neighbor is of another class, share", "0 to 1", "neighbors agree more", _HO, "N² D"),
    Measure("t1", "spheres that cover the classes / points", "K/N to 1", "classes are of fewer pieces", _HO, "N² D"),
    Measure("f1", "1 / (1 + largest Fisher ratio)", "0 to 1", "one coordinate tells more", _LORENA, "N D"),
    Measure(
        "linear_error", "error of a linear fit to all others", "0 to 1", "a plane tells more", "ours", "N D min(N, D)"
    ),
    Measure("intrinsic_dimension", "directions that points fill", "0 to ∞", "points are flatter", _FACCO, "2 N² D"),
)
MEASURES = {measure.name: measure for measure in _MEASURES}


@dataclass(frozen=True)
class Measured:
    """What several measures said."""

    values: dict[str, float]
    """by name; NaN where a measure failed"""
    intervals: dict[str, tuple[float, float]]
    """95% bootstrap intervals over points, of the measures that are sums over them"""
    failed: dict[str, str]
    """why a measure failed"""


def check_measures(names: Sequence[str]) -> list[str]:
    """Names of measures, each once, in the order of the table.

    Raises:
        InvalidInput: no name, or an unknown one.
    """
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in MEASURES]
    if unknown or not names:
        said = f"There is no measure {unknown[0]!r}" if unknown else "No measure was named"
        raise InvalidInput(f"{said}. Measures: {', '.join(MEASURES)}.")
    return [name for name in MEASURES if name in names]


def measure_points(
    points: np.ndarray,
    labels: np.ndarray,
    measures: Sequence[str] = ("n1", "n2", "n3"),
    *,
    memory_limit: float = 2.0,
    rng: np.random.Generator | None = None,
    cloud_type: type[Cloud] = Cloud,
) -> Measured:
    """Several measures of the same points: distances are computed once, and a measure that fails stops no other.

    Args:
        points: (N, D) numbers; further axes are flattened.
        labels: (N,) whole numbers.
        measures: names from `MEASURES`.
        memory_limit: GB beyond the points themselves, see `plan_tree`.
        rng: random numbers of the bootstrap; no intervals if None.
        cloud_type: where distances are computed, see `neighborhood`.

    Raises:
        InvalidInput: an unknown measure; no points, NaN or infinite numbers, labels that are not N whole numbers.
    """
    names = check_measures(measures)
    tree = any(name in names for name in OF_THE_TREE)
    geometry = Geometry(points, labels, tree=tree, memory_limit=memory_limit, cloud_type=cloud_type)
    values, intervals, failed = {}, {}, {}
    for name in names:
        try:
            found = getattr(geometry, name)()
        except InvalidInput as error:
            found, failed[name] = np.nan, str(error)
        values[name] = found.value if isinstance(found, Ratio) else found
        if rng is not None and isinstance(found, Ratio):
            intervals[name] = found.interval(rng)
    return Measured(values, intervals, failed)
