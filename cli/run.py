"""fm-keras run: train, cut, probe, measure, save, show."""

from __future__ import annotations

from pathlib import Path

import click

from fm_keras.settings import AnalysisSettings, DataSettings, ModelSpec, ProbeSettings, TrainSettings
from fm_keras_cli.command import (
    Command,
    name_option,
    plan_option,
    reporting,
    resume_option,
    runs_dir_option,
)
from fm_keras_cli.options import settings_options
from fm_keras_cli.terminal import Terminal


@click.command(cls=Command)
@settings_options(DataSettings, ModelSpec, TrainSettings, ProbeSettings, AnalysisSettings, defaults={"fields": "both"})
@name_option
@runs_dir_option
@plan_option
@resume_option
@reporting
def run(*, terminal: Terminal, name: str | None, runs_dir: Path, plan: bool, resume: bool) -> None:
    """Train a network, cut it at every layer, measure every filter.

    All of it is kept in a run folder.  The same command again does only what is missing: an interrupted training goes
    on from its last epoch.
    """
    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.header import describe_images, describe_network
    from fm_keras_cli.measure_stage import asked_measuring
    from fm_keras_cli.plan import plan_fetching, show_plan
    from fm_keras_cli.report import show_measured, ways_to_look
    from fm_keras_cli.train_stage import asked_training

    if plan and plan_fetching(terminal):
        return
    load_backend(terminal)
    training = asked_training(terminal)
    model = training.build()
    terminal.hint(
        describe_images(training.dataset, training.spec),
        describe_network(model, training.spec, training.settings.precision),
        "",
    )
    if plan:
        return show_plan(terminal, training, asked_measuring(model, training.dataset, fields="both"))
    with training.run(name, runs_dir, resume=resume) as here, Bars(terminal) as bars:
        model, history = training.train(here, model, bars)
        analysis = asked_measuring(model, training.dataset, fields="both").measure_in(here, bars)
    saved = {**training.summary(here), "test_accuracy": history["val_accuracy"].iloc[-1]}
    show_measured(terminal, analysis, saved, {**ways_to_look(here, here.path, analysis), **_another(training.data)})


def _another(data: DataSettings) -> dict[str, str]:
    """Another run that is worth a try."""
    if data.dataset == "digits":
        return {"fm-keras run --dataset cifar10 --plan": "real pictures: what that takes here"}
    return {f"fm-keras run --dataset {data.dataset} --model avgg16 --plan": "the same images in another network"}
