"""A sweep as the options ask for it: what is trained, where it is kept, and how it goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fm_keras.errors import Interrupted, InvalidInput
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
        to_do = plan[~plan["status"].isin(["done", "imported"])]
        parts = [
            f"{self.data.dataset}: {count(len(plan), 'trial')} of {listed(list(dict.fromkeys(plan['model'])))}",
            f"width {widths[0]}" if len(widths) == 1 else f"widths {widths[0]} to {widths[-1]}",
            f"{count(plan['seed'].nunique(), 'seed')}; {amount(to_do['training_macs'].sum())} MACs of training to do",
        ]
        return ", ".join(parts)

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
            raise Interrupted(_stopped(len(live.work) - len(live.left), len(live.work))) from None


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


def _stopped(done: int, total: int) -> str:
    kept = f"{done} of {count(total, 'trial')} {'is' if done == 1 else 'are'} kept" if done else "No trial was finished"
    return f"Stopped. {kept}, and what the running ones have trained so far. The same command goes on from there."
