"""fm-keras labels: how error, clusters and SNR of one network go with the number of labels."""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np

from fm_keras.settings import AnalysisSettings, DataSettings, ModelSpec, ProbeSettings, SweepSettings, TrainSettings
from fm_keras_cli.command import Command, plan_option, reporting
from fm_keras_cli.options import Names, given, settings_options, with_preset
from fm_keras_cli.sweep import sweeps_dir_option
from fm_keras_cli.terminal import Terminal

_FEWEST, _MOST = 3, 8


@click.command(cls=Command)
@settings_options(
    DataSettings,
    SweepSettings,
    TrainSettings,
    ProbeSettings,
    AnalysisSettings,
    without=(
        "seed",
        "pairs",
        "devices",
        "widths",
        "ratios",
        "batch_norms",
        "samples",
        "measure",
        "models",
        "fields",
        "label_counts",
    ),
)
@click.option("--model", default="vgg6", show_default=True, help="the network, see `fm-keras models`")
@click.option("--width", type=click.IntRange(min=1), metavar="N", help="filters of its first convolution")
@click.option("--label-counts", type=Names(), help="numbers of labels, K (default: 3 to all)")
@click.option("--name", help="name of the sweep (default: data set, model and labels, as cifar10-vgg6-labels)")
@sweeps_dir_option
@plan_option
@reporting
def labels(
    *,
    terminal: Terminal,
    model: str,
    width: int | None,
    label_counts: tuple[str, ...] | None,
    name: str | None,
    sweeps_dir: Path,
    plan: bool,
) -> None:
    """Say how error, clusters and SNR of a network go with the number of labels.

    One network is trained for each number of labels, and the filters of all its layers are measured.  Which labels they
    are is drawn with the seed.  It is a sweep: rows are kept as they finish, and the same command goes on.
    """
    from fm_keras.models import suited_spec
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.images import load_images
    from fm_keras_cli.label_report import show_labels
    from fm_keras_cli.plan import plan_fetching
    from fm_keras_cli.sweep_plan import show_sweep_plan
    from fm_keras_cli.sweep_stage import asked_sweep, sweep_name

    if plan and plan_fetching(terminal):
        return
    began = time.monotonic()
    load_backend(terminal)
    startup = time.monotonic() - began
    data, preset = DataSettings(**given(DataSettings)), with_preset(TrainSettings)["preset"]
    spec = ModelSpec(name=model, width=width)
    suited_spec(spec, preset=preset, train_images=1)  # a wrong name must not wait for the images
    dataset = load_images(data, terminal)
    asked = asked_sweep(
        sweeps_dir,
        name or sweep_name(data.dataset, [model, "labels"]),
        models=(model,),
        widths=(suited_spec(spec, preset=preset, train_images=len(dataset.train)).width,),
        label_counts=label_counts or usual_counts(dataset.labels),
        measure=("filters",),
    )
    if plan:
        return show_sweep_plan(terminal, asked, startup)
    terminal.hint(asked.header, "")
    show_labels(terminal, asked.run(terminal), asked.to)


def usual_counts(labels: int) -> tuple[int, ...]:
    """From 3 to all labels: each number up to ten labels, beyond that eight numbers, each by the same factor more."""
    if labels - _FEWEST < _MOST:
        return tuple(range(min(_FEWEST, labels), labels + 1))
    return tuple(np.unique(np.geomspace(_FEWEST, labels, _MOST).round().astype(int)).tolist())
