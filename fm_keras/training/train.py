"""train_model: the training of the papers, quick on a CPU and compiled whole on a GPU."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import keras
import pandas as pd

from fm_keras.data import Dataset, count_batches, flips, measuring_batches, training_batches
from fm_keras.devices import check_backend, choose_precision, choose_xla, has_gpu
from fm_keras.distribution import spread_over
from fm_keras.models.graph import walk
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import TrainSettings
from fm_keras.training.checkpoints import Checkpoint
from fm_keras.training.checks import check_fits, ends_in_softmax
from fm_keras.training.ondevice import OnDevice
from fm_keras.training.schedules import make_schedule
from fm_keras.training.twin import training_twin

_VALIDATION_BATCH = 500


def train_model(
    model: keras.Model,
    dataset: Dataset,
    *,
    settings: TrainSettings | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoints: str | Path | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Train a model in place.

    A copy in the chosen precision is trained; the model gets its weights at the end and stays float32.  Order
    and augmentation of an epoch depend on seed and epoch alone, so that a training that goes on from a
    checkpoint ends where one without interruption does.  Several devices share every batch, and of the last batch of an
    epoch as many images as they can share evenly.

    Args:
        model: functional or Sequential classifier of K labels, logits or softmax.
        dataset: images; the test split is evaluated after every epoch.
        settings: how to train; the preset `quick` if None.
        callbacks: Keras callbacks; their `model` is the copy that is trained.
        checkpoints: folder for the state after every epoch, from which an interrupted training goes on.
        progress: told about every step.

    Returns:
        History, one row an epoch: epoch, accuracy, loss, val_accuracy, val_loss, learning_rate, the numbers that
        `callbacks` put into the logs, seconds (without what `callbacks` take at the end of an epoch).

    Raises:
        InvalidInput: label count or image shape do not fit the model, or the batch size does not fit the devices.
        BadRun: the checkpoint belongs to another training.

    Source: schedules of arXiv:2305.18078 (preset `paper`); one cycle, arXiv:1708.07120 (preset `quick`).
    """
    check_backend()
    settings = complete_settings(settings or TrainSettings(), model, dataset)
    check_fits(model, dataset)
    rows: list[dict[str, float]] = []
    with spread_over(settings.devices) as devices:
        steps = count_batches(len(dataset.train) // devices * devices, settings.batch_size)
        twin = _compiled_twin(model, settings, steps=steps, devices=devices)
        record = _Record(rows, progress, settings.epochs, steps)
        hooks = [record, *callbacks, keras.callbacks.LambdaCallback(on_epoch_end=record.keep)]
        if checkpoints:
            hooks.append(Checkpoint(checkpoints, _key(model, dataset, settings), rows))
        first_epoch = hooks[-1].restore(twin) if checkpoints else 0
        if first_epoch < settings.epochs:
            _fit(twin, dataset, settings, hooks, steps=steps, first_epoch=first_epoch, devices=devices)
        weights = twin.get_weights()
    model.set_weights(weights)
    return pd.DataFrame(rows).astype({"epoch": int})


def complete_settings(settings: TrainSettings, model: keras.Model, dataset: Dataset) -> TrainSettings:
    """Training settings with what depends on network and data filled in.

    Networks without BatchNorm diverge at learning rates that suit others.
    """
    normalized = any(isinstance(call.layer, keras.layers.BatchNormalization) for call in walk(model).calls)
    return settings.changed(
        batch_size=settings.batch_for(len(dataset.train)),
        learning_rate=settings.learning_rate or (0.1 if normalized else 0.03),
    )


def _compiled_twin(model: keras.Model, settings: TrainSettings, *, steps: int, devices: int) -> keras.Model:
    """The copy that is trained, with its optimizer."""
    precision = choose_precision(settings.precision)
    twin = training_twin(model, precision=precision, l2=settings.l2, seed=settings.seed, devices=devices)
    optimizer = keras.optimizers.SGD(make_schedule(settings, steps_per_epoch=steps), settings.momentum, nesterov=True)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    xla = choose_xla(settings.xla, devices=devices)
    twin.compile(
        optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=not ends_in_softmax(model)),
        weighted_metrics=["accuracy"],  # what fills up the batches of several devices does not count
        jit_compile=xla and ("auto" if settings.xla == "auto" else True),  # "auto": unless a layer does not support it
    )
    twin.optimizer.build(twin.trainable_variables)
    return twin


def _fit(
    twin: keras.Model,
    dataset: Dataset,
    settings: TrainSettings,
    hooks: list,
    *,
    steps: int,
    first_epoch: int,
    devices: int,
) -> None:
    """Run Keras' fit over one endless stream of batches, so that nothing restarts between epochs."""
    stream = {
        "batch_size": settings.batch_size,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "first_epoch": first_epoch,
        **_augmentation(dataset, settings),
    }
    if has_gpu() and devices == 1 and dataset.train.holds_pictures:
        fitted = OnDevice(twin, dataset.train)
        batches = fitted.batches(**stream)
    else:
        fitted = twin
        batches = training_batches(dataset.train, devices=devices, **stream)
    callbacks = keras.callbacks.CallbackList(hooks, add_history=True, model=twin, epochs=settings.epochs, steps=steps)
    fitted.fit(
        batches,
        epochs=settings.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=steps,
        validation_data=measuring_batches(dataset.test, batch_size=_VALIDATION_BATCH, devices=devices),
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )


def _augmentation(dataset: Dataset, settings: TrainSettings) -> dict[str, bool | int]:
    """Whether images are flipped, and how far they are shifted."""
    if settings.augment == "none" or not dataset.train.holds_pictures:
        return {"flip": False, "max_shift": 0}
    flip = settings.augment == "flip+shift" or (settings.augment == "auto" and flips(dataset.name))
    side = min(dataset.train.images.shape[1:3])
    return {"flip": flip, "max_shift": side // 8 if settings.max_shift is None else settings.max_shift}


class _Record(keras.callbacks.Callback):
    """Completes the logs, keeps the history and tells progress."""

    def __init__(self, rows: list[dict[str, float]], progress: Progress, epochs: int, steps: int) -> None:
        super().__init__()
        self.rows, self.progress, self.epochs, self.steps = rows, progress, epochs, steps
        self.note = ""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch, self.began = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.progress(Step("train", self.epoch * self.steps + batch + 1, self.epochs * self.steps, self.note))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.seconds = time.monotonic() - self.began
        self.note = f"{epoch + 1}/{self.epochs} epochs, test accuracy {logs['val_accuracy']:.3f}"
        self.progress(Step("train", (epoch + 1) * self.steps, self.epochs * self.steps, self.note))

    def keep(self, epoch: int, logs: dict) -> None:
        """Add the epoch to the history, with the numbers that other callbacks have put into the logs."""
        numbers = {name: value for name, value in logs.items() if isinstance(value, Real)}
        self.rows.append({"epoch": epoch + 1, **numbers, "seconds": self.seconds})


def _key(model: keras.Model, dataset: Dataset, settings: TrainSettings) -> str:
    """Hash of all that decides a training but the weights it starts from, which the seed decides.

    Of the model kinds of layers and shapes of weights count, since Keras numbers unnamed layers anew each time.
    """
    network = [[type(layer).__name__ for layer in model.layers], [tuple(weight.shape) for weight in model.weights]]
    parts = [settings.model_dump(), dataset.content_hash, network]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
