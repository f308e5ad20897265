"""The stage `train` of a run: a network is built, trained and kept, unless that was done before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fm_keras.errors import BadRun, Interrupted, InvalidInput
from fm_keras.files import write_beside
from fm_keras.records import RunRecord, dump_settings
from fm_keras.runs import TRAIN, Run, default_run_name
from fm_keras.settings import DataSettings, ModelSpec, TrainSettings
from fm_keras_cli.bars import Bars
from fm_keras_cli.command import same_command
from fm_keras_cli.images import data_record, load_images
from fm_keras_cli.numbers import count
from fm_keras_cli.options import given, with_preset
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from fm_keras.data import Dataset


@dataclass(frozen=True, eq=False)
class Training:
    """A network to train, and how."""

    data: DataSettings
    dataset: Dataset
    spec: ModelSpec
    settings: TrainSettings

    @property
    def record(self) -> RunRecord:
        """What marks the run.  Where the images lie does not: their content does."""
        named = {"data": self.data.changed(data_dir=None), "model": self.spec, "train": self.settings}
        return RunRecord(
            settings=dump_settings(named),
            seed=self.settings.seed,
            data=data_record(self.dataset),
            command=same_command("run"),
        )

    def build(self) -> keras.Model:
        """The network before training; the same weights for the same seed."""
        import keras

        from fm_keras.models import build_model

        keras.utils.set_random_seed(self.settings.seed)
        return build_model(self.spec)

    @contextmanager
    def run(self, name: str | None, root: Path, *, resume: bool) -> Iterator[Run]:
        """The run of this training, made if need be, while nobody else may write to it.

        Raises:
            BadRun: the run is another's, in use, or not there although it shall be resumed.
        """
        name = name or default_run_name(self.record, root)
        if resume and not (root / name).exists():
            raise BadRun(f"There is no run {root / name} to go on with. Leave --resume out to start it.")
        run = Run.create(name, self.record, root)
        with run.lock():
            yield run

    def summary(self, run: Run) -> dict[str, Any]:
        """What the JSON document of a command says about the run."""
        settings = {name: self.record.settings[name] for name in ("model", "train")}
        return {"run": run.name, "path": str(run.path), "data": self.record.data.model_dump(), **settings}

    def is_done(self, run: Run) -> bool:
        """Whether the run holds this network, trained."""
        return run.is_current(TRAIN, *self._made_from())

    def train(self, run: Run, model: keras.Model, bars: Bars) -> tuple[keras.Model, pd.DataFrame]:
        """The trained network and its history, from the run if they are there."""
        if self.is_done(run):
            history = read_history(run)
            bars.note(f"train     as before: {_outcome(history)}")
            return read_trained(run), history
        history = self._train(run, model, bars)
        with run.stage(TRAIN, *self._made_from()) as stage:
            model.save(stage.model)
            with write_beside(stage.history) as partial:
                history.to_csv(partial, index=False)
        return model, history

    def _train(self, run: Run, model: keras.Model, bars: Bars) -> pd.DataFrame:
        from fm_keras.training import finished_epochs, train_model

        kept = finished_epochs(run.checkpoints)
        if kept:
            bars.note(f"train     goes on after {count(kept, 'epoch')}")
        bars.expect({"train": ""})
        try:
            return train_model(model, self.dataset, settings=self.settings, checkpoints=run.checkpoints, progress=bars)
        except KeyboardInterrupt:
            raise Interrupted(_stopped(finished_epochs(run.checkpoints))) from None

    def _made_from(self) -> tuple[dict, dict[str, str]]:
        return {"model": self.spec, "train": self.settings}, {"data": self.dataset.content_hash}


def asked_training(terminal: Terminal) -> Training:
    """The training that the options ask for.  An explicit option beats the preset, the preset the default."""
    from fm_keras.data import check_labels
    from fm_keras.models import suited_spec

    data, settings = DataSettings(**given(DataSettings)), TrainSettings.from_preset(**with_preset(TrainSettings))
    asked = ModelSpec(**given(ModelSpec))
    suited_spec(asked, preset=settings.preset, train_images=1)  # a wrong name must not wait for the images
    dataset = load_images(data, terminal)
    check_labels(dataset, "train")
    check_labels(dataset, "test")
    shape = {"image_shape": picture_shape(dataset), "labels": dataset.labels}
    spec = suited_spec(asked.changed(**shape), preset=settings.preset, train_images=len(dataset.train))
    return Training(data, dataset, spec, settings)


def picture_shape(dataset: Dataset) -> tuple[int, int, int]:
    """Height, width and channels that a network is built for.

    Raises:
        InvalidInput: the data set holds no pictures.
    """
    if not dataset.train.holds_pictures:
        raise InvalidInput(f"{dataset.name} holds no pictures (N, H, W, C) but {dataset.image_shape}; none is trained.")
    return dataset.image_shape


def read_trained(run: Run) -> keras.Model:
    """The trained network of a run."""
    from fm_keras.models import read_model

    return read_model(run.read_stage(TRAIN).model)


def read_history(run: Run) -> pd.DataFrame:
    """What every epoch of a run brought."""
    import pandas as pd

    return pd.read_csv(run.read_stage(TRAIN).history)


def _outcome(history: pd.DataFrame) -> str:
    return f"{count(len(history), 'epoch')}, test accuracy {history['val_accuracy'].iloc[-1]:.3f}"


def _stopped(kept: int) -> str:
    if kept == 0:
        return "Stopped in epoch 1; nothing is kept yet. The same command starts again."
    epochs = "epoch 1 is" if kept == 1 else f"epochs 1 to {kept} are"
    return f"Stopped in epoch {kept + 1}; {epochs} kept. The same command goes on from there."
