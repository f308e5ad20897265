"""The steps of pruning after the choice: cut, repair, fine-tune, and accuracy on test images after each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.data import Dataset, Split, choose_images, measuring_batches
from fm_keras.progress import Progress, silent
from fm_keras.pruning.accuracy import evaluate
from fm_keras.pruning.repairing.repair import recalibrate, repair
from fm_keras.pruning.surgery.surgery import Pruned
from fm_keras.settings import PruneSettings, RepairSettings, TrainSettings
from fm_keras.training import complete_settings, train_model

WHOLE, CUT, REPAIRED, TUNED, REMOVED = "whole", "cut", "repaired", "fine-tuned", "removed"
_GENTLER = 5
_TOGETHER = 3
_BATCH = 500


@dataclass(eq=False)
class Steps:
    """Takes networks through the steps, and keeps what each step left."""

    dataset: Dataset
    settings: PruneSettings
    train: TrainSettings | None = None
    preprocess: Callable[[Any], Any] | None = None
    progress: Progress = silent
    checkpoints: str | Path | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, step: str, model: keras.Model) -> float:
        """Measure what a step left; returns its accuracy."""
        seconds = time.monotonic() - self.began
        how = {"preprocess": self.preprocess, "progress": self.progress}
        accuracy, loss = evaluate(model, self.dataset.test, name=step.removeprefix("fine-"), **how)
        self.rows.append({"step": step, "accuracy": accuracy, "loss": loss, "seconds": seconds})
        self.began = time.monotonic()
        return accuracy

    def take(self, whole: keras.Model, pruned: Pruned) -> keras.Model:
        """Cut, repair and fine-tune as far as asked for, each measured; the last network."""
        smaller = pruned.model
        self.note(CUT, smaller)
        if self.settings.repair != "none":
            smaller = self.repair(whole, pruned)
            self.note(REPAIRED, smaller)
        if self.settings.epochs:
            self.fine_tune(smaller)
            self.note(TUNED, smaller)
        return smaller

    def table(self) -> pd.DataFrame:
        """One row a step: step, accuracy, loss, seconds that the step took."""
        return pd.DataFrame(self.rows)

    def repair(self, whole: keras.Model, pruned: Pruned) -> keras.Model:
        """The repaired network, a new one."""
        how = {"preprocess": self.preprocess, "progress": self.progress}
        if self.settings.repair == "recalibrate":
            return recalibrate(pruned.model, self.repair_images(), **how)
        neighbors = _TOGETHER if self.settings.repair == "together" else 1
        asked = {"images": self.settings.repair_images, "neighbors": neighbors, "seed": self.settings.seed}
        return repair(whole, pruned, self.dataset.train, settings=RepairSettings(**asked), **how)

    def repair_images(self) -> Split:
        """Training images for the repair, equally many of every label."""
        count = max(self.settings.repair_images, self.dataset.labels)
        return choose_images(self.dataset.train, count, labels=self.dataset.labels, seed=self.settings.seed)

    def fine_tune(self, model: keras.Model) -> None:
        """Train a network a little more, in place; an interrupted training goes on from its checkpoint."""
        how = {"settings": self.tuning(model), "checkpoints": self.checkpoints, "progress": self.progress}
        train_model(model, self.prepared(), **how)

    def tuning(self, model: keras.Model) -> TrainSettings:
        """How a network is fine-tuned: one cycle of a small learning rate.

        Images are flipped and shifted only where it is known that the network was trained so.
        """
        usual = complete_settings(self.train or TrainSettings(augment="none"), model, self.dataset)
        return usual.changed(
            epochs=self.settings.epochs,
            learning_rate=self.settings.learning_rate or usual.learning_rate / _GENTLER,
            schedule="one_cycle",
            seed=self.settings.seed,
        )

    def prepared(self) -> Dataset:
        """The images as training takes them, which knows no preprocessing of its own."""
        if self.preprocess is None:
            return self.dataset
        splits = (_preprocessed(split, self.preprocess) for split in (self.dataset.train, self.dataset.test))
        return Dataset(self.dataset.name, *splits, self.dataset.label_names)


def _preprocessed(split: Split, preprocess: Callable[[Any], Any]) -> Split:
    batches = [x for x, _ in measuring_batches(split, batch_size=_BATCH, preprocess=preprocess)]
    images = keras.tree.map_structure(
        lambda *parts: np.concatenate([ops.convert_to_numpy(part) for part in parts]), *batches
    )
    return Split(images, split.labels)
