"""fm-keras train: train a network and keep it."""

from __future__ import annotations

from pathlib import Path

import click

from fm_keras.settings import DataSettings, ModelSpec, TrainSettings
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
@settings_options(DataSettings, ModelSpec, TrainSettings)
@name_option
@runs_dir_option
@plan_option
@resume_option
@reporting
def train(*, terminal: Terminal, name: str | None, runs_dir: Path, plan: bool, resume: bool) -> None:
    """Train a network and keep it in a run.

    The same command again goes on from the last epoch that is kept.
    """
    from rich.text import Text

    from fm_keras_cli.backend import load_backend
    from fm_keras_cli.bars import Bars
    from fm_keras_cli.header import describe_images, describe_network
    from fm_keras_cli.numbers import count
    from fm_keras_cli.plan import plan_fetching, show_plan
    from fm_keras_cli.report import run_words, show_saved
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
        return show_plan(terminal, training)
    with training.run(name, runs_dir, resume=resume) as here, Bars(terminal) as bars:
        _, history = training.train(here, model, bars)
    accuracy = history["val_accuracy"].iloc[-1]
    terminal.hint("")
    terminal.result(
        {**training.summary(here), "test_accuracy": accuracy, "history": history},
        Text(f"After {count(len(history), 'epoch')} {accuracy:.1%} of the test images are recognized."),
    )
    next_commands = {
        f"fm-keras analyze {run_words(here)}": "what each of its filters does",
        f"fm-keras layers {run_words(here)}": "where it can be cut",
    }
    show_saved(terminal, here.path, next_commands)
