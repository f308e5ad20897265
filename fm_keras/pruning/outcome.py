"""What pruning made: a smaller model, what was removed, what every step cost and what it all gained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import keras
import pandas as pd

from fm_keras.errors import BadRun
from fm_keras.files import write_beside
from fm_keras.models import read_model
from fm_keras.pruning.surgery.plan import PruningPlan, load_plan
from fm_keras.runs import StageFolder

if TYPE_CHECKING:
    from fm_keras.pruning.masks.connection_masks import ConnectionMasks

_TABLES = ("steps", "effect", "savings")


@dataclass(frozen=True, eq=False)
class Pruning:
    """A pruned model, and what is known about it."""

    model: keras.Model
    """plain Keras model without constraints, not compiled"""
    plan: PruningPlan
    """the units that were removed for real, and which unit has which number now"""
    steps: pd.DataFrame
    """one row a step (whole, cut, repaired, fine-tuned; after masks also removed): step, accuracy and loss on test
    images, seconds that the step took"""
    effect: pd.DataFrame
    """one row per layer with weights or operations: layer, macs, macs_kept, params, params_kept"""
    savings: pd.DataFrame
    """one row a measure: measure, whole, pruned, ratio; see `fm_keras.pruning.measure_savings`"""
    masks: ConnectionMasks | None = None
    """connections that were cut, where connections were pruned and not units"""

    def accuracy(self, step: str) -> float | None:
        """Accuracy on test images after a step; None if there was no such step."""
        found = self.steps.loc[self.steps["step"] == step, "accuracy"]
        return None if found.empty else float(found.iloc[0])

    def ratio(self, measure: str) -> float:
        """What is left of a measure: pruned / whole."""
        return float(self.savings.set_index("measure")["ratio"][measure])

    def save(self, folder: str | Path) -> None:
        """Write model.keras, the plan (plan.json, plan.npz), steps.csv, effect.csv, savings.csv, and masks if any.

        Args:
            folder: made if need be.

        Raises:
            BadRun: no space or no permission.
        """
        stage = StageFolder(Path(folder))
        self.plan.save(stage.path)
        if self.masks is not None:
            self.masks.save(stage.path)
        for name in _TABLES:
            with write_beside(stage.table(name)) as partial:
                getattr(self, name).to_csv(partial, index=False)
        with write_beside(stage.model) as partial:
            self.model.save(partial)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BadRun: a file is missing or damaged.
            InvalidInput: the model cannot be read.
        """
        from fm_keras.pruning.masks.connection_masks import load_masks

        stage = StageFolder(Path(folder))
        tables = {name: _read_table(stage.table(name)) for name in _TABLES}
        tables["effect"] = tables["effect"].astype({"macs": "Int64", "macs_kept": "Int64"})
        masks = load_masks(stage.path) if stage.masks.exists() else None
        return cls(model=read_model(stage.model), plan=load_plan(stage.path), masks=masks, **tables)

    def __repr__(self) -> str:
        whole, left = self.steps["accuracy"].iloc[[0, -1]]
        return f"Pruning({self.model.name!r}, accuracy={left:.3f} of {whole:.3f}, macs={self.ratio('MACs'):.3f})"


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise BadRun(f"{path} is missing. Prune again.") from None
    except ValueError as error:
        raise BadRun(f"{path} is damaged: {error}. Prune again.") from error
