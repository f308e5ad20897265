"""What a sweep would train, without training it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fm_keras.scaling.sweeping.builders import Builder, load_function
from fm_keras.scaling.sweeping.events import reason_of
from fm_keras.scaling.sweeping.folder import AXES, SweepFolder, read_sweep
from fm_keras.scaling.sweeping.job import Asked
from fm_keras.scaling.sweeping.joining import join_rows
from fm_keras.scaling.sweeping.task import build_network, network_facts
from fm_keras.scaling.sweeping.trials import Trial
from fm_keras.settings import DataSettings, SweepSettings, TrainSettings

_COLUMNS = ("trial", *AXES, "epochs", "parameters", "macs", "training_macs", "status", "reason")
_BACKWARD = 2  # the gradients of a layer take about twice the operations of its outputs


def plan_sweep(
    dataset: str | DataSettings,
    *,
    to: str | Path | None = None,
    settings: SweepSettings | None = None,
    train: TrainSettings | None = None,
    build: Builder | str | None = None,
) -> pd.DataFrame:
    """The trials that `sweep` would run, and what each costs.

    Args:
        dataset: as `sweep` takes it.
        to: folder of the sweep, for what is there already.
        settings: axes.
        train: how to train.
        build: the user's own function from width to model.

    Returns:
        One row a trial: trial, its axes, epochs, parameters, macs (of one image), training_macs (of all its epochs:
        forward, and twice as much for the gradients), status (empty: not run yet; done, failed, imported), reason (why
        the user's function does not make this network).  NaN is what cannot be known, such as the macs of
        a layer of the user's own.

    Raises:
        InvalidInput: as `sweep`, and a user's function that is not there.
        BadRun: the table of the folder is damaged.
    """
    asked = Asked.of(dataset, settings, train, build, None, None, None)
    if asked.build:
        load_function(asked.build)
    images = asked.images()
    trials = asked.trials(images)
    status = _status(to, trials)
    costs: dict[tuple, dict[str, Any]] = {}
    rows = []
    for trial in trials:
        network = (trial.model, trial.width, trial.ratio, trial.batch_norm, trial.labels)
        if network not in costs:
            costs[network] = _cost(asked, trial, images.image_shape)
        cost = {"epochs": asked.train.epochs, **costs[network]}
        cost["training_macs"] = (1 + _BACKWARD) * cost["macs"] * trial.samples * asked.train.epochs
        rows.append({**trial.axes, **cost, "status": status.get(trial.name, "")})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _cost(asked: Asked, trial: Trial, image_shape: tuple[int, int, int]) -> dict[str, Any]:
    """Parameters and multiply-accumulates of a network, NaN if unknown, or why the user's function does not make it."""
    unknown = {"parameters": math.nan, "macs": math.nan, "reason": ""}
    try:
        facts = network_facts(build_network(trial, image_shape, asked.train.preset, asked.build))
    except Exception as error:
        if asked.build is None:
            raise
        return {**unknown, "reason": reason_of(error)}
    return unknown | {name: value for name, value in facts.items() if value is not None}


def _status(to: str | Path | None, trials: Sequence[Trial]) -> dict[str, str]:
    """Status of every trial that has a row, imported ones under the names that they get here."""
    if to is None or not SweepFolder(Path(to)).table("trials").exists():
        return {}
    rows = join_rows(read_sweep(to).to_dict("records"), [trial.axes for trial in trials])
    return {row["trial"]: row["status"] for row in rows}
