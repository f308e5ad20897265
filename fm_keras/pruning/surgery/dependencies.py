"""Which units of which layers stand or fall together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import networkx as nx
import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Graph, walk
from fm_keras.pruning.surgery.unit_flow import UnitFlow
from fm_keras.slicing import CutPoint, cut_points

Units = Mapping[str, Sequence[int]]
"""Numbers of units by path of the cut."""


class Dependencies:
    """What can be removed from a model, found once.

    Units of different layers depend on each other where they meet: in an add or a product, in a depthwise convolution,
    in a concatenation, or because calls share weights.  Every unit is a node of a graph, those that depend on each
    other are linked, and what is connected goes together.

    Args:
        model: Functional or built Sequential; left as it was.

    Raises:
        CannotCut: no layer of the model can be cut.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model_name = model.name
        self.graph: Graph = walk(model)
        self.cuts: dict[str, CutPoint] = {cut.layer: cut for cut in cut_points(model)}
        self.flow = UnitFlow(self.graph, self.cuts.values())
        self.bundle_of = _bundles(self.flow)
        """(units of the model,) number of the bundle that each belongs to: what is connected"""
        self.reasons: dict[int, str] = {}
        for unit, reason in self.flow.whole.items():
            self.reasons.setdefault(int(self.bundle_of[unit]), reason)

    def units_at(self, path: str) -> np.ndarray:
        """(U,) numbers that the units of a cut have in the whole model."""
        return self.flow.carried[self.cuts[path].tensor].units

    def bundles_at(self, path: str) -> np.ndarray:
        """(U,) bundle of each unit of a cut."""
        return self.bundle_of[self.units_at(path)]

    def gone(self, removed: Units) -> np.ndarray:
        """Which units of the model go when some units of cuts are removed.

        Args:
            removed: numbers of units by path of the cut.

        Returns:
            (units of the model,) bool.

        Raises:
            InvalidInput: an unknown cut or unit, one that cannot go or cannot go alone, or nothing would be left.
        """
        chosen = self._chosen(removed)
        self._check_removable(chosen)
        gone = self._with_bundles(chosen)
        self._check_together(chosen, gone)
        self._check_left(gone)
        return gone

    def complete(self, removed: Units) -> dict[str, list[int]]:
        """Some units of cuts, and all that have to go with them."""
        gone = self._with_bundles(self._chosen(removed))
        return self.removed_at(gone)

    def removed_at(self, gone: np.ndarray) -> dict[str, list[int]]:
        """Numbers of the units that go, by path of the cuts that lose some."""
        found = {path: np.flatnonzero(gone[self.units_at(path)]).tolist() for path in self.cuts}
        return {path: units for path, units in found.items() if units}

    def _chosen(self, removed: Units) -> dict[str, np.ndarray]:
        return {path: self._numbers(path, units) for path, units in removed.items()}

    def _numbers(self, path: str, units: Sequence[int]) -> np.ndarray:
        if path not in self.cuts:
            raise InvalidInput(
                f"Model {self.model_name!r} has no units to remove at {path!r}. It has some at: {', '.join(self.cuts)}."
            )
        numbers, count = np.asarray(units), self.cuts[path].units
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise InvalidInput(
                f"The units of {path!r} must be a list of numbers, such as [0, 3]; received {numbers.dtype} of shape "
                f"{numbers.shape}."
            )
        for unit in numbers.tolist():
            if not 0 <= unit < count:
                raise InvalidInput(f"{path} has units 0 to {count - 1}; there is no {unit}.")
        return np.unique(numbers).astype(int)

    def _check_removable(self, chosen: Mapping[str, np.ndarray]) -> None:
        for path, units in chosen.items():
            for unit, bundle in zip(units.tolist(), self.bundles_at(path)[units].tolist()):
                if bundle in self.reasons:
                    raise InvalidInput(f"Unit {unit} of {path!r} cannot be removed: {self.reasons[bundle]}.")

    def _with_bundles(self, chosen: Mapping[str, np.ndarray]) -> np.ndarray:
        bundles = [self.bundles_at(path)[units] for path, units in chosen.items()]
        return np.isin(self.bundle_of, np.concatenate(bundles)) if bundles else np.zeros(len(self.bundle_of), bool)

    def _check_together(self, chosen: Mapping[str, np.ndarray], gone: np.ndarray) -> None:
        """Most adds and concatenations follow of themselves; all other units must have been named."""
        missing = []
        for path, units in self.removed_at(gone).items():
            left_out = sorted(set(units) - set(chosen.get(path, ())))
            if left_out and path not in self.flow.follows:
                missing.append(f"{path} {left_out}" if len(left_out) < 5 else f"{path} ({len(left_out)} units)")
        if missing:
            names = ", ".join(map(repr, chosen))
            raise InvalidInput(
                f"What was chosen of {names} is not removable alone: {', '.join(missing)} must go with it. "
                "complete_units adds what is missing."
            )

    def _check_left(self, gone: np.ndarray) -> None:
        for call in self.graph.calls:
            for key in call.outputs:
                units = self.flow.carried[key].units
                if gone[units].all():
                    raise InvalidInput(f"Nothing would be left of {call.path!r}: keep one of its {len(units)} units.")


def _bundles(flow: UnitFlow) -> np.ndarray:
    graph = nx.empty_graph(flow.size)
    for units, others in flow.links:
        graph.add_edges_from(zip(units.tolist(), others.tolist()))
    bundle_of = np.empty(flow.size, int)
    for number, connected in enumerate(nx.connected_components(graph)):
        bundle_of[list(connected)] = number
    return bundle_of
