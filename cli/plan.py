"""What a command would do: passes, memory and time.  Nothing is written."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.text import Text

from fm_keras.progress import Step
from fm_keras.settings import AnalysisSettings, DataSettings, ProbeSettings
from fm_keras_cli.images import not_here
from fm_keras_cli.measure_stage import Measuring
from fm_keras_cli.numbers import count, duration, file_size
from fm_keras_cli.options import given
from fm_keras_cli.tables import new_table
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras

    from fm_keras.data import Dataset
    from fm_keras.settings import TrainSettings
    from fm_keras_cli.train_stage import Training

_TRIED_STEPS = 3
# Joint probes take 1.1 to 1.4 of a forward pass, class sums 1.1 (benchmarks/).
_PROBE_PASS, _MEANS_PASS = 1.3, 1.1
_FLOAT = 4


def plan_fetching(terminal: Terminal) -> bool:
    """Say so if the images must be fetched first, which a plan does not do; whether it is so."""
    settings = DataSettings(**given(DataSettings))
    fetched = not_here(settings)
    if fetched:
        said = f"First {settings.dataset} would be fetched ({fetched}); with it here, the plan says the rest."
        terminal.result({"fetch": fetched, "stages": []}, Text(f"{said} Nothing has been done."))
    return fetched is not None


def show_plan(terminal: Terminal, training: Training | None, measuring: Measuring | None = None) -> None:
    """Stages with their passes, memory and rough time, for which a few steps are timed."""
    rows: list[dict[str, Any]] = []
    shown = terminal.err.is_terminal and not terminal.quiet
    with terminal.err.status("timing a few steps ...") if shown else nullcontext():
        if training:
            rows.append(training_row(training))
        if measuring:
            if measuring.settings.fields != "probe":
                rows.append(_network_row(measuring))
            if measuring.settings.fields != "network":
                rows += _probe_rows(measuring)
    _show_rows(terminal, rows)


def show_network_plan(
    terminal: Terminal,
    model: keras.Model,
    dataset: Dataset,
    settings: AnalysisSettings,
    layers: Sequence[str] | None,
    with_fields: bool,
) -> None:
    """Passes, memory and rough time of quality, with network fields or without."""
    row = _network_row(Measuring(model, dataset, settings, ProbeSettings(), layers), with_fields)
    _show_rows(terminal, [row])


def _show_rows(terminal: Terminal, rows: list[dict[str, Any]]) -> None:
    table = new_table(left=("stage", "what"), right=("memory", "about"))
    for row in rows:
        table.add_row(row["stage"], row["what"], file_size(row["memory"]), duration(row["seconds"]))
    seconds = sum(row["seconds"] for row in rows)
    said = f"In all about {duration(seconds)}. Nothing has been done; leave --plan out to do it."
    terminal.result({"stages": pd.DataFrame(rows), "seconds": seconds}, table, Text(f"\n{said}"))


def training_row(training: Training) -> dict[str, Any]:
    """Passes, memory and rough time of a training, for which a few steps are timed."""
    from fm_keras.models.graph import walk
    from fm_keras.training import complete_settings

    images, model = len(training.dataset.train), training.build()
    settings = complete_settings(training.settings, model, training.dataset)
    steps = math.ceil(images / settings.batch_size)
    start, step = training_times(training.build, training.dataset, settings)
    outputs = sum(math.prod(shape[1:]) for call in walk(model).calls for shape in call.output_shapes)
    return {
        "stage": "train",
        "what": f"{count(settings.epochs, 'pass')} over {count(images, 'image')}, {settings.batch_size:,} a step",
        "passes": settings.epochs,
        # weights, momentum, gradients, and what the backward pass needs of a batch
        "memory": _FLOAT * (3 * model.count_params() + settings.batch_size * outputs),
        "seconds": start + settings.epochs * steps * step,
    }


def _probe_rows(measuring: Measuring) -> list[dict[str, Any]]:
    from fm_keras.analysis import plan_analysis

    layers = plan_analysis(
        measuring.model,
        measuring.dataset,
        layers=measuring.layers,
        settings=measuring.settings,
        probe=measuring.probe,
    )
    groups = int(layers["group"].max())
    start, each = _forward_times(measuring)
    memory = int(layers.groupby("group")["memory"].sum().max())
    measured = len(getattr(measuring.dataset, measuring.settings.split))
    learned = len(measuring.dataset.train)
    silenced = int((layers["test_passes"] - 2).sum())
    rows = [
        ("measure", groups + silenced, measured, groups * _MEANS_PASS + silenced),
        ("probe", groups * measuring.probe.epochs, learned, groups * measuring.probe.epochs * _PROBE_PASS),
    ]
    return [
        {
            "stage": stage,
            "what": f"{count(passes, 'pass')} over {count(images, 'image')}, {count(len(layers), 'layer')}",
            "passes": passes,
            "memory": memory,
            "seconds": groups * start + weight * images * each,
        }
        for stage, passes, images, weight in rows
    ]


def _network_row(measuring: Measuring, with_fields: bool = True) -> dict[str, Any]:
    from fm_keras.slicing import cut_points, plan_network

    how = {"layers": measuring.layers, "settings": measuring.settings, "with_fields": with_fields}
    plan = plan_network(measuring.model, measuring.dataset, **how)
    start, each = _forward_times(measuring)
    layers = len(cut_points(measuring.model, layers=measuring.layers))
    return {
        "stage": "network",
        "what": f"{count(plan['passes'], 'pass')} over {count(plan['images'], 'image')}, {count(layers, 'layer')}",
        "passes": plan["passes"],
        "memory": plan["memory"],
        "seconds": start * plan["passes"] + plan["passes"] * plan["images"] * each,
    }


def training_times(build: Callable[[], keras.Model], dataset: Dataset, settings: TrainSettings) -> tuple[float, float]:
    """Seconds until training runs, and of each of its steps.

    Args:
        build: makes the network, which is then trained for a few steps.
        dataset: on which images.
        settings: complete ones, see `fm_keras.training.complete_settings`.
    """
    from fm_keras.training import train_model

    times: dict[int, float] = {0: time.perf_counter()}

    def note(step: Step) -> None:
        times.setdefault(step.done, time.perf_counter())

    some = few_images(dataset, settings.batch_size)
    train_model(build(), some, settings=settings.changed(epochs=2), progress=note)
    first, *others = (times[done + 1] - times[done] for done in times if done + 1 in times)
    return first, min(others)


def few_images(dataset: Dataset, batch_size: int) -> Dataset:
    """As many training images as timed steps take, and a hundred test images."""
    from fm_keras.data import Dataset

    few = dataset.train.take(slice(0, batch_size * (1 + _TRIED_STEPS)))
    return Dataset(dataset.name, few, dataset.test.take(slice(0, 100)), dataset.label_names)


def _forward_times(measuring: Measuring) -> tuple[float, float]:
    """Seconds until a forward pass runs, and for each of its images."""
    batch = measuring.dataset.train.take(slice(0, measuring.settings.batch_size))
    taken = []
    for _ in range(1 + _TRIED_STEPS):
        began = time.perf_counter()
        measuring.model.predict_on_batch(batch.images)
        taken.append(time.perf_counter() - began)
    return taken[0], min(taken) / len(batch)
