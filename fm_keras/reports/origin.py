"""Where an analysis comes from: what the report page says about its run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Self

import pandas as pd

from fm_keras.models import architecture
from fm_keras.records import RunRecord
from fm_keras.runs import COMPLEXITY, TRAIN, Run


@dataclass(frozen=True, eq=False)
class Origin:
    """A run, or a folder that holds nothing but an analysis."""

    name: str
    """how people call it"""
    command: str
    """command that shows more of it; ` --layer L --filter N` is put behind it"""
    record: RunRecord | None = None
    """what marks the run; None where there is none"""
    history: pd.DataFrame | None = None
    """what every epoch of the training brought; None where there was none"""
    complexity: pd.DataFrame | None = None
    """how hard the classes are to tell apart after each layer; None where it was not measured"""

    @classmethod
    def of(cls, run: Run) -> Self:
        """The origin of a run's analysis; without a history where the run only measured a network of the user's.

        Raises:
            BadRun: the training of the run is missing, or a stage is damaged.
        """
        history = pd.read_csv(run.read_stage(TRAIN).history) if run.record.trains else None
        measured = (run.path / COMPLEXITY).is_dir()
        complexity = pd.read_csv(run.read_stage(COMPLEXITY).layers) if measured else None
        return cls(run.name, f"fm-keras show {shlex.quote(run.name)}", run.record, history, complexity)

    @property
    def network(self) -> str | None:
        """The network in words: VGG-16, width 16; of a network of the user's its name."""
        if self.record is None:
            return None
        model = self.record.settings["model"]
        if not self.record.trains:
            return str(model["name"])
        return f"{architecture(model['name']).title}, width {model['width']}"

    @property
    def test_accuracy(self) -> float | None:
        """Of the trained network, after its last epoch."""
        return None if self.history is None else float(self.history["val_accuracy"].iloc[-1])
