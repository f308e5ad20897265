"""Which units of a model shall go: a file that can be looked at, compared and applied later, to that model alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pandas as pd

from fm_keras.errors import BadRun, InvalidInput
from fm_keras.files import load_arrays, save_arrays
from fm_keras.hashes import model_hash
from fm_keras.pruning.surgery.dependencies import Dependencies, Units
from fm_keras.records import Record

_AGAIN = "Plan again."


@dataclass(frozen=True, eq=False)
class PruningPlan:
    """What shall stay of every cut of one model."""

    model: str
    """hash of the model, as `fm_keras.hashes.model_hash` takes it"""
    masks: Mapping[str, np.ndarray]
    """path of each cut -> (U,) bool: whether a unit stays"""
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    """path -> (U,) what the units were chosen by, if anything"""

    def __post_init__(self) -> None:
        for array in (*self.masks.values(), *self.scores.values()):
            array.flags.writeable = False

    @property
    def removed(self) -> dict[str, list[int]]:
        """Numbers of the units that go, by path of the cuts that lose some."""
        return {path: np.flatnonzero(~mask).tolist() for path, mask in self.masks.items() if not mask.all()}

    @property
    def kept(self) -> dict[str, np.ndarray]:
        """Path -> (units that stay,) their numbers in the whole model."""
        return {path: np.flatnonzero(mask) for path, mask in self.masks.items()}

    @property
    def index_map(self) -> dict[str, np.ndarray]:
        """Path -> (U,) number of each unit in the pruned model, -1 for what is gone."""
        return {path: np.where(mask, np.cumsum(mask) - 1, -1) for path, mask in self.masks.items()}

    def table(self) -> pd.DataFrame:
        """One row per cut: layer, units, kept."""
        rows = [(path, mask.size, int(mask.sum())) for path, mask in self.masks.items()]
        return pd.DataFrame(rows, columns=["layer", "units", "kept"])

    def check(self, model: keras.Model) -> None:
        """Refuse any model but the one that the plan was made for.

        Raises:
            InvalidInput: another config or other weights.
        """
        found = model_hash(model)
        if found != self.model:
            raise InvalidInput(
                f"The plan was made for another model than {model.name!r}: expected hash {self.model[:12]}, found "
                f"{found[:12]}. Plan again, or take the model with the config and weights of then."
            )

    def check_sizes(self, found: Dependencies) -> None:
        """Refuse a model whose cuts have other numbers of units, as where plan.json was edited.

        Raises:
            InvalidInput: names the first.
        """
        sizes = {path: len(found.units_at(path)) for path in found.cuts}
        for path, mask in self.masks.items():
            if mask.size != sizes.get(path):
                has = f"{sizes[path]} there" if path in sizes else "no such layer"
                raise InvalidInput(
                    f"The plan was made for another model than {found.model_name!r}: it speaks of {mask.size} units at "
                    f"{path!r}, the model has {has}. Plan again."
                )

    def save(self, folder: str | Path) -> None:
        """Write plan.json, which names the model and the units that go, and plan.npz with the scores.

        The lists in plan.json are what counts: who edits them edits the plan.

        Args:
            folder: made if need be; each file is written beside and renamed, plan.json last.

        Raises:
            BadRun: no space or no permission.
        """
        save_arrays(Path(folder) / "plan.npz", self.scores)
        units = {path: mask.size for path, mask in self.masks.items()}
        record = PlanRecord(model=self.model, units=units, removed=self.removed, scored=tuple(self.scores))
        record.write(Path(folder) / "plan.json")


class PlanRecord(Record):
    """plan.json: the model of a plan, the units of its cuts, and those that go."""

    kind: Literal["pruning plan"] = "pruning plan"
    model: str
    units: dict[str, int]
    removed: dict[str, list[int]]
    scored: tuple[str, ...]


def plan_removal(model: keras.Model, removed: Units, *, scores: Mapping[str, np.ndarray] | None = None) -> PruningPlan:
    """Plan to remove units, checked against the model.

    Args:
        model: Functional or built Sequential; left as it was.
        removed: numbers of units by path of the cut.  Units that depend on each other must all be there, see
            `complete_units`; those of adds and concatenations follow where zeros meeting there make zeros.
        scores: by path, what the units were chosen by, to be kept with the plan.

    Raises:
        InvalidInput: an unknown cut or unit, one that cannot go or cannot go alone, nothing would be left of a layer,
            or scores of another shape.
        CannotCut: no layer of the model can be cut.
    """
    found = Dependencies(model)
    gone = found.gone(removed)
    masks = {path: ~gone[found.units_at(path)] for path in found.cuts}
    kept_scores = {path: np.array(values) for path, values in (scores or {}).items()}
    for path, values in kept_scores.items():
        if path not in masks or values.shape != masks[path].shape:
            units = f"{masks[path].size} units" if path in masks else "no units that could be removed"
            raise InvalidInput(f"The scores of {path!r} have shape {values.shape}, but it has {units}.")
    return PruningPlan(model_hash(model), masks, kept_scores)


def load_plan(folder: str | Path) -> PruningPlan:
    """Read a saved plan.

    Raises:
        BadRun: a file is missing, damaged or of another format, or names units that no cut has.
    """
    path = Path(folder) / "plan.json"
    record = PlanRecord.read(path, _AGAIN)
    masks = {layer: np.ones(units, bool) for layer, units in record.units.items()}
    for layer, units in record.removed.items():
        unknown = [unit for unit in units if not 0 <= unit < record.units.get(layer, 0)]
        if unknown or layer not in masks:
            raise BadRun(f"{path} removes units {unknown or units} of {layer!r}, which it does not have. {_AGAIN}")
        masks[layer][units] = False
    return PruningPlan(record.model, masks, load_arrays(path.with_name("plan.npz"), record.scored))
