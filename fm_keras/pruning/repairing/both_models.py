"""The whole and the pruned model over the same images, run side by side while the latter is repaired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from fm_keras.models.graph import Call
from fm_keras.pruning.repairing.held import HeldModel
from fm_keras.pruning.repairing.layer_refit import linear_layer, refit_layer, settle, take_statistics, treatments
from fm_keras.pruning.repairing.stretch_refit import refit_stretch
from fm_keras.pruning.repairing.stretches import Stretch, StretchModel
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.surgery import Pruned
from fm_keras.settings import RepairSettings


class BothModels:
    """Repairs layers of a pruned model in place, just before they are run.

    Args:
        whole: the model that was pruned.
        pruned: what was made of it.
        fresh: a copy of the pruned model; changes.
        given: what the inputs hold, see `held_inputs`.
        settings: of the repair.
    """

    def __init__(
        self,
        whole: keras.Model,
        pruned: Pruned,
        fresh: keras.Model,
        given: Sequence[np.ndarray],
        settings: RepairSettings,
    ) -> None:
        found = Dependencies(whole)
        self._carried, self._gone = found.flow.carried, found.gone(pruned.plan.removed)
        self._models, self._given, self._settings = (whole, fresh), given, settings

    def repair_layers(self) -> Iterator[str]:
        """Repair each layer by itself, from the input on.

        Yields:
            Paths of the calls that are done.
        """
        before, after = self._start()
        how = treatments(after.graph)
        for one, other in zip(before.graph.calls, after.graph.calls, strict=True):
            (made, *_) = before.run(one)
            treatment, _ = how.get(other.path, ("none", ""))
            if treatment != "none" and not np.array_equal(before.given(one), after.given(other)):
                if treatment == "statistics":
                    take_statistics(other.layer, after.given(other))
                elif treatment == "refit":
                    refit_layer(after, other, self._target(before, one, made), self._settings)
            after.run(other)
            before.forget(one)
            after.forget(other)
            yield one.path

    def repair_stretches(self, stretches: Sequence[Stretch]) -> Iterator[str]:
        """Fit the layers of each stretch together, from the input on; BatchNorm keeps the statistics of its input.

        Args:
            stretches: of the pruned model, see `find_stretches`.

        Yields:
            Paths of the calls that the stretches begin with, when they are done.
        """
        before, after = self._start()
        norms, changed = _norms(after), False

        def keep_up(call: Call) -> None:
            if changed and call.path in norms:
                settle(call.layer, after.given(call))

        for stretch in stretches:
            before.run_until(stretch.end, first=lambda call: None)
            after.run_until(stretch.start, first=keep_up)
            given = [after.tensors[key] for key in stretch.reads]
            targets = [self._kept(key, before.tensors[key]) for key in stretch.makes]
            changed |= refit_stretch(StretchModel(after.graph, stretch), given, targets, self._settings)
            yield stretch.calls[0].path
        if changed:
            after.run_until(len(after.graph.calls), first=keep_up)

    def _start(self) -> tuple[HeldModel, HeldModel]:
        before, after = (HeldModel(each, self._given, batch_size=self._settings.batch_size) for each in self._models)
        return before, after

    def _target(self, before: HeldModel, call: Call, made: np.ndarray) -> np.ndarray:
        """What the kept units of a layer put out in the whole model, before the activation."""
        if call.layer.activation is not keras.activations.linear:
            (made,) = before.run(call, layer=linear_layer(call))
        return self._kept(call.outputs[0], made)

    def _kept(self, key: int, array: np.ndarray) -> np.ndarray:
        """What is left of a tensor of the whole model without the units that have gone."""
        carried = self._carried[key]
        gone = self._gone[carried.units]
        return np.compress(~gone, array, axis=carried.axis) if gone.any() else array


def _norms(held: HeldModel) -> set[str]:
    """Paths of the BatchNorm layers that repair may change."""
    how = treatments(held.graph)
    calls = [call for call in held.graph.calls if isinstance(call.layer, layers.BatchNormalization)]
    return {call.path for call in calls if how[call.path][0] != "none"}
