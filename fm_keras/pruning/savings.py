"""What pruning gained: parameters, operations, size of the file, and time, each beside that of the whole network."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.data import Split, measuring_batches
from fm_keras.errors import InvalidInput
from fm_keras.models import count_operations
from fm_keras.models.graph import rebuild, walk
from fm_keras.slicing.compiled import compiled

LATENCY_BATCHES = (1, 64)
_TURNS = 9
_TURN_SECONDS = 0.02  # a shorter time is mostly the clock's and the scheduler's


def measure_savings(
    whole: keras.Model,
    pruned: keras.Model,
    split: Split,
    *,
    batch_sizes: Sequence[int] = LATENCY_BATCHES,
    preprocess: Callable[[Any], Any] | None = None,
) -> pd.DataFrame:
    """Compare a pruned model with the whole one, on this machine.

    Args:
        whole: the model before; left as it was.
        pruned: the model after; left as it was.
        split: images to run.
        batch_sizes: images at a time for which the latency is measured.
        preprocess: applied to the images before the clock starts.

    Returns:
        measure: parameters, nonzero parameters, MACs (multiply-accumulates for one image; missing where images have no
        fixed size), file size (bytes of the .keras file, without an optimizer's state), latency 1, latency 64
        (seconds for so many images: medians, both models taken in turn).
        whole, pruned: the values.
        ratio: pruned / whole.
    """
    models = (whole, pruned)
    rows: dict[str, list[float]] = {
        "parameters": [model.count_params() for model in models],
        "nonzero parameters": [sum(np.count_nonzero(weight) for weight in model.get_weights()) for model in models],
        "MACs": [total_operations(model) for model in models],
        "file size": [_file_size(model) for model in models],
    }
    passes = [_forward(model) for model in models]
    for size in batch_sizes:
        rows[f"latency {size}"] = _medians(passes, _some_images(split, size, preprocess))
    table = pd.DataFrame([(name, *values) for name, values in rows.items()], columns=["measure", "whole", "pruned"])
    table[["whole", "pruned"]] = table[["whole", "pruned"]].astype(float)
    return table.assign(ratio=table["pruned"] / table["whole"])


def forward_seconds(
    models: Sequence[keras.Model],
    split: Split,
    *,
    batch_size: int = 1,
    preprocess: Callable[[Any], Any] | None = None,
) -> list[float]:
    """Seconds of a forward pass of each model: compiled, warm, the median of turns in which each runs once.

    Args:
        models: all of the same inputs; left as they were.
        split: images to run, taken again from the first where there are too few.
        batch_size: images at a time.
        preprocess: applied to the images before the clock starts.
    """
    return _medians([_forward(model) for model in models], _some_images(split, batch_size, preprocess))


def total_operations(model: keras.Model) -> float:
    """Multiply-accumulates for one image; NaN where images have no fixed size."""
    try:
        return float(sum(count_operations(model).values()))
    except InvalidInput:
        return math.nan


def _forward(model: keras.Model) -> Callable:
    return compiled(partial(model, training=False), model)


def _some_images(split: Split, count: int, preprocess: Callable[[Any], Any] | None) -> Any:
    images = split.take(np.arange(count) % len(split))
    ((x, _),) = measuring_batches(images, batch_size=count, preprocess=preprocess)
    return x


def _medians(passes: Sequence[Callable], x: Any) -> list[float]:
    """Median seconds of each pass, from turns in which each runs once."""
    for run in passes:
        _seconds(run, x, 1)  # compiles
    times = [math.ceil(_TURN_SECONDS / _seconds(run, x, 1)) for run in passes]
    turns = [[_seconds(run, x, count) for run, count in zip(passes, times)] for _ in range(_TURNS)]
    return [statistics.median(taken) for taken in zip(*turns)]


def _seconds(run: Callable, x: Any, times: int) -> float:
    """Mean seconds of some runs one after another, each waited for."""
    began = time.perf_counter()
    for _ in range(times):
        keras.tree.map_structure(ops.convert_to_numpy, run(x))
    return (time.perf_counter() - began) / times


def _file_size(model: keras.Model) -> int:
    """Bytes of the model as a file.  A copy is saved: a compiled model would bring the state of its optimizer."""
    graph = walk(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        rebuild(model, graph, list(graph.outputs)).save(path)
        return path.stat().st_size
