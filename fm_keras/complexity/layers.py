"""Complexity through a network: what its layers make of the classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from fm_keras.complexity.accelerated import choose_cloud
from fm_keras.complexity.plan import plan_measures
from fm_keras.complexity.streaming import group_by_memory, point_width, stream_points
from fm_keras.complexity.table import check_measures, measure_points
from fm_keras.data import Dataset, Split, choose_images, count_batches
from fm_keras.devices import check_backend
from fm_keras.errors import InvalidInput
from fm_keras.models import choose_output
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import ComplexitySettings
from fm_keras.slicing import CutPoint, cut_points

INPUT = "input"


def measure_complexity(
    model: keras.Model | None,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    output: str | None = None,
    measures: Sequence[str] | None = None,
    sample: int | None = None,
    settings: ComplexitySettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """How hard the classes are to tell apart in the images and after each layer.

    The same images are looked at in every layer, so its values can be compared; all layers that fit in memory are
    read in one pass.

    Args:
        model: functional or Sequential, left as it was; None for the images alone.
        dataset: labeled images.
        layers: paths of cuts, and `input` for the images themselves; all if None.
        output: of a model with several outputs, the one on the way to which layers are measured: its key, or the path
            of the layer that makes it.  Those of all outputs if None.
        measures: names, see `fm_keras.complexity.MEASURES`; those of the settings if None.
        sample: at most this many images; as the settings say if None.
        settings: measures, split, sample, pooling of positions, memory limit, seed.
        preprocess: applied to every batch that the model reads; `input` is the images without it.
        progress: told about every step.

    Returns:
        One row per layer, in depth order: layer, units, positions, width (coordinates of a point), points, the
        measures, name_low and name_high of those with a 95% bootstrap interval over points (neighbors and tree are
        kept as they are), and failed, which says in words which measures had no answer (NaN) and why.

    Raises:
        InvalidInput: an unknown layer, output or measure, or a sample smaller than the number of labels.
        BadActivations: a layer puts out NaN or infinite values.

    Source: arXiv:2209.00525.
    """
    settings = settings or ComplexitySettings()
    settings = settings.changed(sample=sample or settings.sample, measures=tuple(measures or settings.measures))
    names = check_measures(settings.measures)
    split = sampled(dataset, settings)
    model = choose_output(model, output) if output is not None else model
    cuts, with_input = _places(model, layers)
    batches = count_batches(len(split), settings.batch_size)
    groups = len(group_by_memory(cuts, len(split), settings))
    tick = _Ticks(progress, len(cuts) + with_input + groups * batches)
    rows = []
    if with_input:
        place = {"layer": INPUT, "units": 0, "positions": "-"}
        rows.append({**place, **_row(_raw_points(split), split.labels, names, settings)})
        tick()
    if cuts:
        check_backend()
        for cut, points in stream_points(model, cuts, split, settings, preprocess=preprocess, tick=tick):
            place = {"layer": cut.layer, "units": cut.units, "positions": cut.map}
            rows.append({**place, **_row(points, split.labels, names, settings)})
            del points  # before the next ones are made
            tick()
    return _table(rows, names)


def plan_complexity(
    model: keras.Model | None,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    settings: ComplexitySettings | None = None,
) -> pd.DataFrame:
    """What `measure_complexity` would do.

    Args:
        model: functional or Sequential; None for the images alone.
        dataset: labeled images.
        layers: as there.
        settings: as there.

    Returns:
        One row per layer: layer, width, points, group (layers of one group are read in one pass), memory (bytes that
        the activations of its group take), method (prim or boruvka, - where no tree is made), measure_memory (bytes
        that the measures take beyond the activations), fits (whether both stay within the memory limit).
    """
    settings = settings or ComplexitySettings()
    names, limit = check_measures(settings.measures), settings.memory_limit
    split = sampled(dataset, settings)
    cuts, with_input = _places(model, layers)
    places = [(INPUT, _width(split), 0, 0)] if with_input else []
    for number, (group, memory) in enumerate(group_by_memory(cuts, len(split), settings), start=1):
        places += [(cut.layer, point_width(cut, settings.pool), number, memory) for cut in group]
    rows, largest = [], int(np.unique(split.labels, return_counts=True)[1].max())
    for layer, width, group, memory in places:
        method, need = plan_measures(names, len(split), width, largest, limit)
        row = {"layer": layer, "width": width, "points": len(split), "group": group, "memory": memory}
        fits = max(memory, need) <= limit * 1e9
        rows.append({**row, "method": method or "-", "measure_memory": need, "fits": fits})
    return pd.DataFrame(rows)


def sampled(dataset: Dataset, settings: ComplexitySettings) -> Split:
    """The images that are looked at: all, or a seeded choice of equally many of every label."""
    split = getattr(dataset, settings.split)
    return choose_images(split, settings.sample, labels=dataset.labels, seed=settings.seed)


def _places(model: keras.Model | None, layers: Iterable[str] | None) -> tuple[list[CutPoint], bool]:
    """Cuts to measure at, and whether the images themselves are wanted."""
    layers = [layers] if isinstance(layers, str) else layers
    wanted = None if layers is None else list(layers)
    if model is None:
        if wanted not in (None, [INPUT]):
            raise InvalidInput(f"Without a model there is the layer {INPUT!r} alone; received {', '.join(wanted)}.")
        return [], True
    if wanted is None:
        return cut_points(model), True
    inside = [layer for layer in wanted if layer != INPUT]
    return (cut_points(model, layers=inside) if inside else []), INPUT in wanted


def _raw_points(split: Split) -> np.ndarray:
    """Images as points; several inputs stand side by side."""
    parts = [array.reshape(len(split), -1) for array in split.inputs.values()]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _width(split: Split) -> int:
    return sum(array[0].size for array in split.inputs.values())


def _row(points: np.ndarray, labels: np.ndarray, names: list[str], settings: ComplexitySettings) -> dict[str, Any]:
    rng = np.random.default_rng(settings.seed)
    how = {"memory_limit": settings.memory_limit, "cloud_type": choose_cloud()}
    found = measure_points(points, labels, names, rng=rng, **how)
    row = {"width": points.shape[1], "points": len(points), **found.values}
    for name, (low, high) in found.intervals.items():
        row |= {f"{name}_low": low, f"{name}_high": high}
    return {**row, "failed": " ".join(found.failed.values())}


def _table(rows: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    """Rows as a table: measures, then their intervals, then what failed."""
    table = pd.DataFrame(rows)
    ends = [f"{name}_{end}" for name in names for end in ("low", "high")]
    first = ["layer", "units", "positions", "width", "points", *names]
    return table[[*first, *(end for end in ends if end in table), "failed"]]


class _Ticks:
    """Tells progress how many of all batches and layers are done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.done, self.total = progress, 0, total

    def __call__(self) -> None:
        self.done += 1
        self.progress(Step("complexity", self.done, self.total))
