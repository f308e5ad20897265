"""Complexity of several networks, such as those that a training saved epoch by epoch, on the same images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from fm_keras.complexity.epochs import epoch_numbers, in_order
from fm_keras.complexity.layers import INPUT, measure_complexity
from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.models import choose_output, read_model
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import ComplexitySettings
from fm_keras.slicing import cut_points


def measure_course(
    models: Mapping[str, keras.Model | str | Path] | Sequence[str | Path],
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    output: str | None = None,
    settings: ComplexitySettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    modules: Sequence[str] = (),
    progress: Progress = silent,
) -> pd.DataFrame:
    """How hard the classes are to tell apart after each layer of several networks, all on the same images.

    Args:
        models: networks or .keras files by name; or files alone, which are put in the order of their epochs.  One file
            at a time is in memory.
        dataset: labeled images.
        layers: as in `measure_complexity`; all layers of each network if None.
        output: as in `measure_complexity`.
        settings: as in `measure_complexity`.
        preprocess: as in `measure_complexity`.
        modules: modules to import before files are read, which register custom layers.
        progress: told about every step.

    Returns:
        The rows of `measure_complexity` behind the columns model (its name) and epoch (NaN where the names hold none,
        see `epoch_numbers`).

    Raises:
        InvalidInput: no network, a file that is none, an unknown layer or measure.
        BadActivations: a layer puts out NaN or infinite values.

    Example:
        keep = keras.callbacks.ModelCheckpoint("checkpoints/epoch{epoch:02d}.keras")
        model.fit(..., callbacks=[keep])
        table = measure_course(list(Path("checkpoints").glob("*.keras")), dataset)

    Source: arXiv:2209.00525.
    """
    named = dict(models) if isinstance(models, Mapping) else in_order(models)
    if not named:
        raise InvalidInput("There is no network to measure: name .keras files, or a folder that holds some.")
    wanted = [layers] if isinstance(layers, str) else layers and list(layers)
    with_input = wanted is None or INPUT in wanted
    images = [measure_complexity(None, dataset, settings=settings)] if with_input else []
    tables = []
    for number, ((name, model), epoch) in enumerate(zip(named.items(), epoch_numbers(list(named)))):
        network = model if isinstance(model, keras.Model) else read_model(model, modules=modules)
        network = choose_output(network, output) if output is not None else network
        inside = [layer for layer in wanted or (cut.layer for cut in cut_points(network)) if layer != INPUT]
        told = _part(progress, number, len(named), name)
        how = {"settings": settings, "preprocess": preprocess, "progress": told}
        found = [measure_complexity(network, dataset, layers=inside, **how)] if inside else []
        table = pd.concat([*images, *found], ignore_index=True)
        table.insert(0, "model", name)
        table.insert(1, "epoch", epoch)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _part(progress: Progress, number: int, count: int, name: str) -> Progress:
    """Progress of one of several networks."""
    return lambda step: progress(Step(step.stage, number * step.total + step.done, count * step.total, name))
