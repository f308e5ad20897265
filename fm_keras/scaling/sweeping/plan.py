"""What a sweep would train, without training it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fm_keras.scaling.sweeping.builders import Builder
from fm_keras.scaling.sweeping.folder import AXES, SweepFolder, read_sweep
from fm_keras.scaling.sweeping.job import Asked
from fm_keras.scaling.sweeping.task import build_network
from fm_keras.settings import DataSettings, SweepSettings, TrainSettings

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
        forward, and twice as much for the gradients), status (empty: not run yet; done, failed, imported).

    Raises:
        InvalidInput: as `sweep`.
        BadRun: the table of the folder is damaged.
    """
    asked = Asked.of(dataset, settings, train, build, None, None, None)
    images = asked.images()
    status = _status(to)
    costs: dict[tuple, tuple[int, int]] = {}
    rows = []
    for trial in asked.trials(images):
        network = (trial.model, trial.width, trial.ratio, trial.batch_norm, trial.labels)
        if network not in costs:
            costs[network] = _cost(build_network(trial, images.image_shape, asked.train.preset, asked.build))
        parameters, macs = costs[network]
        all_macs = (1 + _BACKWARD) * macs * trial.samples * asked.train.epochs
        cost = {"epochs": asked.train.epochs, "parameters": parameters, "macs": macs, "training_macs": all_macs}
        axes = {name: getattr(trial, name) for name in AXES}
        rows.append({"trial": trial.name, **axes, **cost, "status": status.get(trial.name, "")})
    return pd.DataFrame(rows)


def _cost(model) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one image."""
    from fm_keras.models import count_operations

    return model.count_params(), sum(count_operations(model).values())


def _status(to: str | Path | None) -> dict[str, str]:
    if to is None or not SweepFolder(Path(to)).table("trials").exists():
        return {}
    rows = read_sweep(to)
    return dict(zip(rows["trial"], rows["status"]))
