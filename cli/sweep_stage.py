"""A sweep as the options ask for it: what is trained, where it is kept, and how it goes on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fm_keras.errors import Interrupted, InvalidInput
from fm_keras.scaling.sweeping.folder import SweepFolder
from fm_keras.settings import (
    AnalysisSettings,
    ComplexitySettings,
    DataSettings,
    ModelSpec,
    ProbeSettings,
    SweepSettings,
    TrainSettings,
)
from fm_keras_cli.numbers import amount, count, listed
from fm_keras_cli.options import given, with_preset
from fm_keras_cli.sweep_findings import Findings
from fm_keras_cli.sweep_live import LiveSweep
from fm_keras_cli.terminal import Terminal


@dataclass(frozen=True)
class AskedSweep:
    """Trials to run, and how."""

    data: DataSettings
    settings: SweepSettings
    train: TrainSettings
    measuring: Mapping[str, Any]
    """settings of probes, analysis and complexity, as `fm_keras.sweep` takes them"""
    build: str | None
    """function from width to model, module:function; None: the models of the settings"""
    to: Path

    @cached_property
    def plan(self) -> pd.DataFrame:
        """All trials, with what each costs and whether it is done."""
        from fm_keras.scaling import plan_sweep

        return plan_sweep(self.data, to=self.to, settings=self.settings, train=self.train, build=self.build)

    @property
    def header(self) -> str:
        """digits: 15 trials of lenet, widths 6 to 96, 3 seeds; 20.4 T MACs of training to do."""
        plan, widths = self.plan, sorted(set(self.plan["width"]))
        parts = [
            f"{self.data.dataset}: {count(len(plan), 'trial')} of {listed(list(dict.fromkeys(plan['model'])))}",
            f"width {widths[0]}" if len(widths) == 1 else f"widths {widths[0]} to {widths[-1]}",
            f"{count(plan['seed'].nunique(), 'seed')}; {self.to_do}",
        ]
        return "\n".join([", ".join(parts), *self.unbuilt])

    @property
    def to_do(self) -> str:
        """20.4 T MACs of training to do."""
        left = ~self.plan["status"].isin(["done", "imported"]) & (self.plan["reason"] == "")
        macs = self.plan.loc[left, "training_macs"].astype(float)
        if macs.isna().all() and len(macs):
            return "MACs of the training are not known"
        return f"{'at least ' if macs.isna().any() else ''}{amount(macs.sum())} MACs of training to do"

    @property
    def unbuilt(self) -> list[str]:
        """network cannot be built with width 3: ValueError: no such width."""
        failed = self.plan[self.plan["reason"] != ""].astype({"width": str})
        return [
            f"{model} cannot be built with width {listed(list(part['width'].unique()))}: {why.removesuffix('.')}"
            for (model, why), part in failed.groupby(["model", "reason"], sort=False)
        ]

    def seconds(self) -> dict[str, float]:
        """What finished trials took, by name."""
        from fm_keras.scaling import read_sweep

        if not (self.plan["status"] == "done").any():
            return {}
        rows = read_sweep(self.to)
        done = rows[(rows["status"] == "done") & rows["seconds"].notna()]
        return dict(zip(done["trial"], done["seconds"].astype(float)))

    def found(self) -> Findings:
        """What the rows that are there say."""
        from fm_keras.scaling import read_sweep

        return Findings(self.data.dataset, read_sweep(self.to))

    def run(self, terminal: Terminal) -> Findings:
        """Run what is not done yet.

        Returns:
            What all rows of the sweep say.

        Raises:
            Interrupted: by Ctrl-C; says what is kept.
        """
        from fm_keras.scaling import sweep

        how = {"settings": self.settings, "train": self.train, "build": self.build, **self.measuring}
        live = LiveSweep(terminal, self.plan, self.seconds())
        try:
            with live:
                return Findings(self.data.dataset, sweep(self.data, to=self.to, progress=live, **how))
        except KeyboardInterrupt:
            raise Interrupted(self._stopped(live.left)) from None

    def _stopped(self, left: Collection[str]) -> str:
        """What is kept after Ctrl-C: rows, and the finished epochs of trials that have not ended."""
        from fm_keras.training import finished_epochs

        total, done = len(self.plan), len(self.plan) - len(left)
        begun = sum(finished_epochs(SweepFolder(self.to).trial(name)) > 0 for name in left)
        kept = [f"{done} of {count(total, 'trial')}"] if done else []
        kept += [f"the finished epochs of {count(begun, 'trial')}"] if begun else []
        if not kept:
            return "Stopped before anything was finished. The same command starts again."
        return f"Stopped. Kept: {' and '.join(kept)}. The same command goes on from there."


def asked_sweep(
    folder: Path, name: str | None, *, build: str | None = None, equal_macs: bool = False, **changes: Any
) -> AskedSweep:
    """The sweep that the options ask for.

    Args:
        folder: of all sweeps.
        name: of this one; data set and models if None.
        build: function from width to model, module:function.
        equal_macs: give every depth ratio the width that costs as much as each width does at the ratio of the model.
        changes: fields of SweepSettings that the command fills in.
    """
    data, settings = DataSettings(**given(DataSettings)), SweepSettings(**{**given(SweepSettings), **changes})
    train = TrainSettings.from_preset(**with_preset(TrainSettings))
    measuring = {
        "probe": ProbeSettings.from_preset(**with_preset(ProbeSettings)),
        "analysis": AnalysisSettings(**given(AnalysisSettings)),
        "complexity": ComplexitySettings(**given(ComplexitySettings)),
    }
    if equal_macs:
        settings = _with_pairs(settings, data)
    what = [build.rpartition(":")[2]] if build else list(settings.models)
    return AskedSweep(data, settings, train, measuring, build, folder / (name or sweep_name(data.dataset, what)))


def sweep_name(dataset: str, what: Sequence[str]) -> str:
    """Name of a sweep that was given none: data set and models, such as cifar10-lenet-vgg16."""
    images = dataset.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return re.sub(r"[^\w.-]+", "-", "-".join([images, *what])).lower().lstrip("-.")


def _with_pairs(settings: SweepSettings, data: DataSettings) -> SweepSettings:
    """Widths and ratios that cost as much as each width at the ratio of the model."""
    from fm_keras.data import load_dataset
    from fm_keras.models import build_model, count_operations
    from fm_keras.scaling import equal_macs_widths

    if len(settings.models) != 1 or not settings.ratios:
        raise InvalidInput("--equal-macs goes with one --model and with --ratios, such as 1,2,2.667,4,8.")
    dataset = load_dataset(data.dataset, data.data_dir, labels=data.labels, limit=data.limit)
    pairs = []
    for width in settings.widths:
        spec = ModelSpec(name=settings.models[0], width=width, image_shape=dataset.image_shape, labels=dataset.labels)
        macs = sum(count_operations(build_model(spec)).values())
        pairs += [(width, ratio) for width, ratio, _ in equal_macs_widths(spec, settings.ratios, macs)]
    return settings.changed(pairs=tuple(dict.fromkeys(pairs)), ratios=())
