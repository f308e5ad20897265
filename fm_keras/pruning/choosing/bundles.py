"""What a pruning rule chooses from: units that may go, each with all that must go with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import keras
import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.groups import UnitGroup, unit_groups
from fm_keras.pruning.surgery.unit_flow import MERGES
from fm_keras.slicing import cut_points


class Bundles:
    """Units that may go, each bundled with all that must go with it, numbered through all groups in depth order.

    Args:
        model: Functional or built Sequential; left as it was.
        layers: paths of the only cuts that may lose units; all if None.  Adds and concatenations follow by themselves.

    Raises:
        InvalidInput: an unknown layer, one whose units cannot go or go with those of a layer that is not named, or a
            model without units that can go.
        CannotCut: no layer of the model can be cut.
    """

    def __init__(self, model: keras.Model, *, layers: Iterable[str] | None = None) -> None:
        self.found = Dependencies(model)
        self.groups: list[UnitGroup] = _groups_that_lose(model, layers)
        self.sizes = np.array([len(group) for group in self.groups])
        """(groups,) number of bundles in each"""
        self.group_of = np.repeat(np.arange(len(self.groups)), self.sizes)
        """(bundles,) number of the group of each"""
        self.number_of = self._numbers()
        """(units of the model,) number of the bundle that each unit belongs to, -1 for those that stay"""
        self.cuts = [path for path in self.found.cuts if (self.at(path) >= 0).any()]
        """paths of the cuts that may lose units, in depth order"""
        self.sources, passed = self._sources()
        """paths of the cuts whose gates, taken together, silence the bundles once: those of layers that make units of
        others, such as convolutions and dense layers.  Where a depthwise convolution alone reads one, its cut stands
        for both."""
        self.gated = [path for path in self.cuts if path not in passed and path not in self.found.flow.follows]
        """paths of the cuts that must be silent for the bundles to be"""

    def __len__(self) -> int:
        return len(self.group_of)

    def at(self, path: str) -> np.ndarray:
        """(U,) number of the bundle of each unit of a cut, -1 for those that stay."""
        return self.number_of[self.found.units_at(path)]

    def units(self, chosen: Sequence[int]) -> dict[str, list[int]]:
        """Numbers of the units of some bundles, by path of the cut: what `remove_units` takes."""
        units = {path: np.flatnonzero(np.isin(self.at(path), chosen)).tolist() for path in self.found.cuts}
        return {path: numbers for path, numbers in units.items() if numbers}

    def first_of_each(self, kept: np.ndarray) -> np.ndarray:
        """Bundles beyond the first `kept` (groups,) of every group."""
        place = np.concatenate([np.arange(size) for size in self.sizes])
        return np.flatnonzero(place >= kept[self.group_of])

    def _numbers(self) -> np.ndarray:
        number_of_bundle = np.full(self.found.bundle_of.max() + 1, -1)
        first = 0
        for group in self.groups:
            path, channels = next(iter(group.cuts.items()))
            number_of_bundle[self.found.bundles_at(path)[channels[:, 0]]] = np.arange(first, first + len(group))
            first += len(group)
        return number_of_bundle[self.found.bundle_of]

    def _sources(self) -> tuple[list[str], set[str]]:
        """The sources, and the cuts that others stand for."""
        passages, readers = self.found.flow.passages, self.found.graph.consumers()
        sources, passed = [], set()
        for path in self.cuts:
            if path in passages and passages[path].kind.flow in ("mix", "grouped"):
                chain = self._depthwise_chain(path, readers)
                sources.append(chain[-1])
                passed.update(chain[:-1])
        return sources, passed

    def _depthwise_chain(self, path: str, readers: dict) -> list[str]:
        """A cut, and those of the depthwise convolutions behind it, each the only reader of the one before."""
        chain, key = [path], self.found.cuts[path].tensor
        while len(readers.get(key, ())) == 1:
            (call,) = readers[key]
            passage = self.found.flow.passages.get(call.path)
            if passage is not None and passage.kind.flow == "depthwise" and call.path in self.found.cuts:
                chain.append(call.path)
                key = self.found.cuts[call.path].tensor
            elif len(call.inputs) == 1 and self._carries(call.outputs[0], key):
                key = call.outputs[0]
            else:
                break
        return chain

    def _carries(self, key: int, other: int) -> bool:
        carried = self.found.flow.carried
        return np.array_equal(carried[key].units, carried[other].units)


def _groups_that_lose(model: keras.Model, layers: Iterable[str] | None) -> list[UnitGroup]:
    """Groups of units that can go and may."""
    groups = unit_groups(model)
    kinds = {cut.layer: cut.kind for cut in cut_points(model)}
    chosen = None if layers is None else [cut.layer for cut in cut_points(model, layers=layers)]
    own = {id(group): [path for path in group.cuts if kinds[path] not in MERGES] for group in groups}
    found = [group for group in groups if group.removable and (chosen is None or set(own[id(group)]) <= set(chosen))]
    for path in chosen or ():
        if not any(path in group.cuts for group in found):
            _refuse(path, next(group for group in groups if path in group.cuts), chosen, own)
    if not found:
        raise InvalidInput(f"No unit of model {model.name!r} can be removed: {groups[0].reason}.")
    return found


def _refuse(path: str, group: UnitGroup, chosen: Collection[str], own: dict[int, list[str]]) -> None:
    if not group.removable:
        raise InvalidInput(f"No unit of {path!r} can be removed: {group.reason}. Leave it out of the layers.")
    missing = ", ".join(repr(other) for other in own[id(group)] if other not in chosen)
    raise InvalidInput(f"Units of {path!r} go together with those of {missing}: name all of them as layers, or none.")
