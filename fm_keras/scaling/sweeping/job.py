"""sweep: many trainings, one process each, a row whenever one has ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fm_keras.data import Dataset, check_labels, load_dataset
from fm_keras.errors import InvalidInput
from fm_keras.progress import Step
from fm_keras.records import DataRecord, dump_settings, keras_backend
from fm_keras.scaling.sweeping.builders import Builder, function_name, reference, source_hash
from fm_keras.scaling.sweeping.engines import Engine, choose_engine
from fm_keras.scaling.sweeping.events import SweepEvent, SweepProgress, unheard
from fm_keras.scaling.sweeping.folder import DONE, FAILED, Rows, SweepFolder, SweepRecord, read_sweep
from fm_keras.scaling.sweeping.joining import join_rows
from fm_keras.scaling.sweeping.process import ENDS, Job, Message
from fm_keras.scaling.sweeping.task import Task
from fm_keras.scaling.sweeping.trials import Trial, list_trials
from fm_keras.settings import (
    AnalysisSettings,
    ComplexitySettings,
    DataSettings,
    ProbeSettings,
    SweepSettings,
    TrainSettings,
)


def sweep(
    dataset: str | DataSettings,
    *,
    to: str | Path,
    settings: SweepSettings | None = None,
    train: TrainSettings | None = None,
    build: Builder | str | None = None,
    analysis: AnalysisSettings | None = None,
    probe: ProbeSettings | None = None,
    complexity: ComplexitySettings | None = None,
    progress: SweepProgress = unheard,
) -> pd.DataFrame:
    """Train and test a network for every point of some axes: widths, depth ratios, labels, images, seeds.

    Every trial is a process of its own, and its row is written when it ends.  The same call again runs only what is
    missing: an interrupted trial goes on from its last epoch, a failed one is tried again.  Axes may grow from call to
    call; with other data or settings a folder is refused.

    Args:
        dataset: name of a data set as `load_dataset` takes it, or its settings.
        to: folder of the sweep, such as sweeps/widths; made if need be.
        settings: axes, measures and engine.
        train: how to train; the preset `quick` if None.  Seeds are an axis: its own does not count.
        build: the user's own function from width to model, or its name: `module:function`, `file.py:function`.  The
            architectures of the settings if None.  Models for any size are called on the images' size, subclassed
            ones taken as the layers that their `call` calls.  Another text of its file makes another sweep, but for
            what stands under `if __name__ == "__main__":` there.
        analysis: how filters are measured, where they are.
        probe: how probes are trained, where filters are measured.
        complexity: how complexity is measured, where it is.
        progress: told about every trial.

    Returns:
        All rows of the sweep, those of earlier calls, failed and imported ones included: see `read_sweep`.

    Raises:
        InvalidInput: an axis or setting that does not fit the data or the models.
        BadRun: the folder holds a sweep with other settings, is in use, or damaged.
    """
    asked = Asked.of(dataset, settings, train, build, analysis, probe, complexity)
    engine = choose_engine(asked.settings)
    images = asked.images()
    trials, folder = asked.trials(images), SweepFolder(Path(to).absolute())
    with folder.claim(asked.record(images)) as rows:
        _join_imported(rows, trials)
        watch = _Watch(folder, rows, trials, progress)
        jobs = [_job(folder, asked.task(trial, images)) for trial in watch.missing()]
        del images  # the workers read them by themselves
        if jobs:
            watch.follow(engine, jobs)
    return read_sweep(folder.path)


def _join_imported(rows: Rows, trials: Sequence[Trial]) -> None:
    """Let imported rows that leave axes open be the trials that they are."""
    there = rows.all()
    joined = join_rows(there, [trial.axes for trial in trials])
    if any(after is not before for after, before in zip(joined, there)):
        rows.set(joined)


@dataclass(frozen=True)
class Asked:
    """All that a call asks for."""

    data: DataSettings
    settings: SweepSettings
    train: TrainSettings
    build: str | None
    analysis: AnalysisSettings
    probe: ProbeSettings
    complexity: ComplexitySettings

    @classmethod
    def of(cls, dataset, settings, train, build, analysis, probe, complexity) -> Asked:
        """The arguments of a call with its defaults filled in."""
        data = dataset if isinstance(dataset, DataSettings) else DataSettings(dataset=dataset)
        measuring = (analysis or AnalysisSettings(), probe or ProbeSettings(), complexity or ComplexitySettings())
        return cls(data, settings or SweepSettings(), train or TrainSettings(), reference(build), *measuring)

    def images(self) -> Dataset:
        """The images, all of which must have labels in both splits."""
        data = self.data
        dataset = load_dataset(data.dataset, data.data_dir, labels=data.labels, limit=data.limit)
        check_labels(dataset, "train")
        check_labels(dataset, "test")
        if not dataset.train.holds_pictures and self.build is None:
            raise InvalidInput(f"{dataset.name} holds no pictures (N, H, W, C): build a model of your own for it.")
        return dataset

    def trials(self, images: Dataset) -> list[Trial]:
        """All trials, in order."""
        function = function_name(self.build) if self.build else None
        return list_trials(self.settings, images, preset=self.train.preset, function=function)

    def task(self, trial: Trial, images: Dataset) -> Task:
        """What the worker of a trial must know."""
        measuring = {"analysis": self.analysis, "probe": self.probe, "complexity": self.complexity}
        common = {"data": self.data, "train": self.train, "build": self.build, "measure": self.settings.measure}
        return Task(trial=trial, content=images.content_hash, **common, **measuring)

    def record(self, images: Dataset) -> SweepRecord:
        """What all trials have in common.  Where the images lie is left out: their content is not."""
        named = {"data": self.data.changed(data_dir=None), "train": self.train}
        if "filters" in self.settings.measure:
            named |= {"analysis": self.analysis, "probe": self.probe}
        if "complexity" in self.settings.measure:
            named["complexity"] = self.complexity
        dumped: dict[str, dict[str, Any]] = {**dump_settings(named), "sweep": {"measure": [*self.settings.measure]}}
        dumped["train"].pop("seed")
        if self.build:
            dumped["build"] = {"function": function_name(self.build), "content": source_hash(self.build)}
        train, test = len(images.train), len(images.test)
        return SweepRecord(
            settings=dumped, data=DataRecord(name=images.name, train=train, test=test, hash=images.content_hash)
        )


class _Watch:
    """Writes the row of a trial when it ends, and tells what happens."""

    def __init__(self, folder: SweepFolder, rows: Rows, trials: Sequence[Trial], progress: SweepProgress) -> None:
        self.folder, self.rows, self.progress = folder, rows, progress
        self.trials = {trial.name: trial for trial in trials}
        self.ended: set[str] = set()

    def missing(self) -> list[Trial]:
        """Trials that have no result yet; tells about the others."""
        for name in self.trials:
            row = self.rows.get(name)
            if row and row["status"] != FAILED:
                self.ended.add(name)
                self._tell("kept", name, row=row)
        return [trial for name, trial in self.trials.items() if name not in self.ended]

    def follow(self, engine: Engine, jobs: Sequence[Job]) -> None:
        """Run the jobs to their end."""
        with closing(engine.run(jobs)) as messages:
            for message in messages:
                if message.kind in ENDS:
                    self._end(message)
                elif message.trial not in self.ended:
                    told = {"step": Step(**message.content)} if message.kind == "step" else message.content
                    self._tell(message.kind, message.trial, worker=message.worker, **told)

    def _end(self, message: Message) -> None:
        axes = self.trials[message.trial].axes
        row = {**axes, "worker": message.worker, "status": message.kind, "reason": ""}
        found = dict(message.content)
        row |= found.pop("row", found)
        row = self.rows.put(row, found if message.kind == DONE else {})
        if message.kind == DONE:
            self.folder.remove_trial(message.trial)
        self.ended.add(message.trial)
        self._tell("finished", message.trial, worker=message.worker, row=row)

    def _tell(self, kind: str, trial: str, **more: Any) -> None:
        self.progress(SweepEvent(kind, trial, len(self.ended), len(self.trials), **more))


def _job(folder: SweepFolder, task: Task) -> Job:
    name = task.trial.name
    environment = {"KERAS_BACKEND": keras_backend(), "TF_CPP_MIN_LOG_LEVEL": "2"}
    return Job(name, task.model_dump(mode="json"), str(folder.trial(name)), os.getcwd(), environment)
