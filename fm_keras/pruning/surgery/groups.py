"""Units of several layers that are removed together, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

import keras
import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call
from fm_keras.models.operations import call_operations
from fm_keras.pruning.surgery.dependencies import Dependencies, Units
from fm_keras.pruning.surgery.unit_flow import Passage

_Channels = dict[str, list[int]]


@dataclass(frozen=True, eq=False)
class UnitGroup:
    """Units of one or more cuts: the first of each cut goes with the first of every other, and so on."""

    name: str
    """path of its first cut; where several groups begin there, `name#2` is the second"""
    cuts: Mapping[str, np.ndarray]
    """path of each cut -> (units, channels) numbers of the channels there that each unit of the group stands for"""
    layers: tuple[str, ...]
    """paths of the calls whose weights shrink with the group"""
    macs: int | None
    """multiply-accumulates for one image that these units take part in; None where images have no fixed size"""
    params: int
    """weights that belong to these units"""
    reason: str | None
    """why no unit can be removed; None if they can"""

    def __len__(self) -> int:
        """Number of units."""
        return len(next(iter(self.cuts.values())))

    @property
    def removable(self) -> bool:
        """Whether units can be removed."""
        return self.reason is None

    def channels(self, units: Iterable[int]) -> dict[str, list[int]]:
        """What `remove_units` takes to remove units of the group.

        Args:
            units: numbers from 0 to `len(group) - 1`.
        """
        chosen = list(units)
        return {path: sorted(channels[chosen].ravel().tolist()) for path, channels in self.cuts.items()}


def unit_groups(model: keras.Model) -> list[UnitGroup]:
    """Units of a model that stand or fall together, in depth order, those that must stay with the reason.

    Args:
        model: Functional or built Sequential; left as it was.

    Raises:
        CannotCut: no layer of the model can be cut.

    Example:
        >>> import keras
        >>> from keras.layers import Dense
        >>> model = keras.Sequential([keras.Input((4,)), Dense(3, "relu", name="hidden"), Dense(2, name="out")])
        >>> (group,) = unit_groups(model)
        >>> group.name, len(group), group.layers, group.macs, group.params
        ('hidden', 3, ('hidden', 'out'), 18, 21)
    """
    found = Dependencies(model)
    alike = _alike(found)
    group_of = np.full(found.bundle_of.max() + 1, -1)
    for number, bundles in enumerate(alike.values()):
        group_of[list(bundles)] = number
    costs = _Costs(found, group_of[found.bundle_of], len(alike))
    groups, names = [], {}
    for number, ((reason, counts), bundles) in enumerate(alike.items()):
        first = counts[0][0]
        names[first] = nth = names.get(first, 0) + 1
        groups.append(
            UnitGroup(
                name=first if nth == 1 else f"{first}#{nth}",
                cuts={path: np.array([channels[path] for channels in bundles.values()]) for path, _ in counts},
                layers=tuple(costs.layers[number]),
                macs=costs.macs[number],
                params=costs.params[number],
                reason=reason,
            )
        )
    return groups


def complete_units(model: keras.Model, removed: Units) -> dict[str, list[int]]:
    """Some units, and those of all cuts that cannot stay without them.

    Args:
        model: Functional or built Sequential; left as it was.
        removed: numbers of units by path of the cut.

    Returns:
        What `remove_units` takes.

    Raises:
        InvalidInput: an unknown cut or unit.
    """
    return Dependencies(model).complete(removed)


def _alike(found: Dependencies) -> dict[tuple, dict[int, _Channels]]:
    """Bundles that join the same cuts by equal numbers of channels: (reason, counts) -> bundle -> channels."""
    members: dict[int, _Channels] = {}
    for path in found.cuts:
        for channel, bundle in enumerate(found.bundles_at(path).tolist()):
            members.setdefault(bundle, {}).setdefault(path, []).append(channel)
    alike: dict[tuple, dict[int, _Channels]] = {}
    for bundle, channels in members.items():
        counts = tuple((path, len(each)) for path, each in channels.items())
        alike.setdefault((found.reasons.get(bundle), counts), {})[bundle] = channels
    return alike


class _Costs:
    """What each group takes part in."""

    def __init__(self, found: Dependencies, group_of: np.ndarray, count: int) -> None:
        self.layers: list[list[str]] = [[] for _ in range(count)]
        self.macs: list[int | None] = [0] * count
        self.params = [0] * count
        seen: set[int] = set()
        for call in found.graph.calls:
            passage = found.flow.passages.get(call.path)
            if passage is not None and passage.kind.weights:
                self._add(call, passage, group_of, first=id(call.layer) not in seen)
                seen.add(id(call.layer))

    def _add(self, call: Call, passage: Passage, group_of: np.ndarray, *, first: bool) -> None:
        operations = _operations(call)
        for number in np.unique(group_of[passage.units]).tolist():
            if number < 0:
                continue
            shares = _shares(passage, group_of == number)
            self.layers[number].append(call.path)
            self.params[number] += round(_params(call.layer, passage, shares)) if first else 0
            if operations is None or self.macs[number] is None:
                self.macs[number] = None
            else:
                self.macs[number] += round(operations * _touched(("in", "out"), shares, passage))


def _shares(passage: Passage, chosen: np.ndarray) -> dict[str, float]:
    """Shares of the channels read and put out that are those of some units."""
    read = 0.0 if passage.reads is None else float(chosen[passage.reads].mean())
    return {"in": read, "spread": read, "group": read, "out": float(chosen[passage.makes].mean()), "all": 0.0}


def _touched(axes: Iterable[str], shares: Mapping[str, float], passage: Passage) -> float:
    """Share of the elements of an array that some units have to do with."""
    if passage.kind.flow in ("depthwise", "pass"):  # what is read is what is put out
        return max(shares[axis] for axis in axes)
    return 1 - prod(1 - shares[axis] for axis in axes)


def _params(layer: keras.Layer, passage: Passage, shares: Mapping[str, float]) -> float:
    weights = {name: getattr(layer, name, None) for name in passage.kind.weights}
    return sum(
        prod(weight.shape) * _touched(passage.kind.weights[name], shares, passage)
        for name, weight in weights.items()
        if weight is not None
    )


def _operations(call: Call) -> int | None:
    try:
        return call_operations(call)
    except InvalidInput:
        return None
