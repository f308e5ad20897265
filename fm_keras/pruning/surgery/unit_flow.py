"""Which units every tensor of a model carries, and which units cannot go without one another.

Each unit that a layer makes has a number of its own.  Layers that work on each unit by itself pass the numbers on;
where two of them meet, in an add for example, they are linked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from fm_keras.models.graph import Call, Graph
from fm_keras.pruning.surgery.constants import passed_constants
from fm_keras.pruning.surgery.layer_kinds import Kind, activates_each_unit, along, kind_of, reads_constants, unit_axis
from fm_keras.pruning.surgery.reshaping import reshaped_units
from fm_keras.slicing import CutPoint

MERGES = ("add", "concatenate")
"""kinds of cuts at layers without units of their own"""


@dataclass(frozen=True, eq=False)
class Carried:
    """The units of one tensor."""

    axis: int
    """where they stand, the batch counted"""
    units: np.ndarray
    """(C,) number of the unit in each channel"""
    silent: np.ndarray
    """(C,) value everywhere in a channel whose unit is silent"""


@dataclass(frozen=True, eq=False)
class Passage:
    """How units go through one call whose layer has weights or a size by the unit."""

    kind: Kind
    reads: np.ndarray | None
    """numbers of the units read; None where the layer works along another axis: all stay"""
    makes: np.ndarray
    """numbers of the units put out"""
    axes: tuple[int, int]
    """where they stand in what is read and put out, the batch counted"""
    silent: np.ndarray
    """(C,) what is read of silent units"""

    @property
    def units(self) -> np.ndarray:
        """Numbers of all units on which the layer's weights depend."""
        return self.makes if self.reads is None else np.concatenate([self.reads, self.makes])


class UnitFlow:
    """Units of all tensors of a model.

    Args:
        graph: the model's calls.
        cuts: where its units can be silenced.
    """

    def __init__(self, graph: Graph, cuts: Iterable[CutPoint]) -> None:
        self.carried: dict[int, Carried] = {}
        self.passages: dict[str, Passage] = {}
        self.links: list[tuple[np.ndarray, np.ndarray]] = []
        self.whole: dict[int, str] = {}
        """why a unit cannot go"""
        self.follows: set[str] = set()
        """paths of adds and concatenations whose units are zero whenever those that meet there are"""
        self.size = 0
        self._cuts = {cut.layer: cut for cut in cuts}
        self._gated = {cut.tensor: cut for cut in self._cuts.values()}
        self._before_cut = set(_tensors_before(graph, self._cuts))
        self._calls_of: dict[int, list[str]] = {}
        self._stopped: dict[int, str] = {}
        for call in graph.calls:
            self._calls_of.setdefault(id(call.layer), []).append(call.path)
        for key, shape in zip(graph.inputs, _input_shapes(graph)):
            self._fixed(key, shape, "it is an input of the network")
        for call in graph.calls:
            self._enter(call)
        for key in graph.outputs:
            self._keep(self.carried[key].units, "it is an output of the network")

    def _enter(self, call: Call) -> None:
        kind = kind_of(call)
        if isinstance(kind, str):
            self._stop(call, kind)
        else:
            getattr(self, f"_{kind.flow}")(call, kind)

    def _new(self, count: int) -> np.ndarray:
        self.size += count
        return np.arange(self.size - count, self.size)

    def _keep(self, units: np.ndarray, reason: str) -> None:
        for unit in units.tolist():
            self.whole.setdefault(unit, reason)

    def _fixed(self, key: int, shape: tuple, reason: str) -> None:
        """A tensor whose units all stay."""
        units = self._new((shape[-1] or 1) if len(shape) > 1 else 1)
        self._keep(units, reason)
        self.carried[key] = Carried(len(shape) - 1, units, np.zeros(len(units)))

    def _stop(self, call: Call, reason: str) -> None:
        """A layer that needs all it reads as it is."""
        for key in call.inputs:
            self._keep(self.carried[key].units, reason)
        for key, shape in zip(call.outputs, call.output_shapes):
            self._fixed(key, shape, reason)
        self._stopped[id(call.layer)] = reason
        for path in self._calls_of[id(call.layer)]:
            if path in self.passages:
                self._keep(self.passages[path].units, reason)

    def _record(self, call: Call, passage: Passage) -> None:
        """All calls of a layer share its weights, so they share the units that are left."""
        first = self.passages.get(self._calls_of[id(call.layer)][0])
        self.passages[call.path] = passage
        if id(call.layer) in self._stopped:
            self._keep(passage.units, self._stopped[id(call.layer)])
        elif first is not None:
            self._link(first.makes, passage.makes)
            if first.reads is None or passage.reads is None:
                for each in (first, passage):
                    self._keep(each.units, f"{call.path} shares weights with a call that reads along another axis")
            else:
                self._link(first.reads, passage.reads)

    def _link(self, units: np.ndarray, others: np.ndarray) -> None:
        self.links.append((units, others))

    def _mix(self, call: Call, kind: Kind) -> None:
        """A layer that makes new units of all that it reads."""
        given, key, shape = self.carried[call.inputs[0]], call.outputs[0], call.output_shapes[0]
        axis = unit_axis(call.layer, len(shape))
        reads = self._read(call, given)
        makes = self._new(shape[axis])
        if call.path not in self._cuts:
            what = "puts out a map of no fixed size" if None in shape[1:] else "makes an output of the network"
            self._keep(makes, f"{call.path} {what}")
        if not activates_each_unit(call.layer):
            self._keep(makes, f"{call.path} has an activation over units, or one that surgery does not know")
        self._record(call, Passage(kind, reads, makes, (given.axis, axis), given.silent))
        self.carried[key] = Carried(axis, makes, np.zeros(len(makes)))

    def _read(self, call: Call, given: Carried) -> np.ndarray | None:
        name = f"{call.path} ({type(call.layer).__name__})"
        if given.axis != unit_axis(call.layer, len(call.input_shapes[0])):
            self._keep(given.units, f"{name} reads along another axis")
            return None
        foldable = reads_constants(call) and len(self._calls_of[id(call.layer)]) == 1
        if given.silent.any() and not foldable:
            self._keep(given.units, f"a layer before {name} turns the zero of a silent unit into something else")
        return given.units

    def _grouped(self, call: Call, kind: Kind) -> None:
        """A convolution in groups: the same places of all groups go together, so that groups stay equal."""
        self._mix(call, kind)
        passage, groups = self.passages[call.path], call.layer.groups
        for units in (passage.reads, passage.makes):
            if units is not None:
                each = units.reshape(groups, -1)
                self._link(each[1:].ravel(), np.tile(each[0], groups - 1))

    def _depthwise(self, call: Call, kind: Kind) -> None:
        """Each unit is made from one that is read, and is silenced at a cut of its own."""
        given, shape = self.carried[call.inputs[0]], call.output_shapes[0]
        axis = unit_axis(call.layer, len(shape))
        if given.axis != axis:
            return self._stop(call, f"{call.path} ({type(call.layer).__name__}) reads along another axis")
        makes = np.repeat(given.units, shape[axis] // len(given.units))
        if call.path not in self._cuts or not activates_each_unit(call.layer):
            self._keep(makes, f"{call.path} is an output, has no fixed size, or an activation over units")
        self._record(call, Passage(kind, given.units, makes, (axis, axis), given.silent))
        self.carried[call.outputs[0]] = Carried(axis, makes, np.zeros(len(makes)))

    def _pass(self, call: Call, kind: Kind) -> None:
        given = self.carried[call.inputs[0]]
        known = along(kind, call, given.axis)
        if known is None:
            return self._stop(call, f"{call.path} ({type(call.layer).__name__}) works along another axis or over units")
        axis = min(given.axis, len(call.output_shapes[0]) - 1)
        if known.weights:
            self._record(call, Passage(known, given.units, given.units, (given.axis, axis), given.silent))
        self._carry(call, axis, given.units)

    def _merge(self, call: Call, kind: Kind) -> None:
        """Units that meet go together; those that would be spread over others stay."""
        name = f"{call.path} ({type(call.layer).__name__})"
        given = [self.carried[key] for key in call.inputs]
        axis, most = given[0].axis, max(len(each.units) for each in given)
        if len({len(shape) for shape in call.input_shapes}) > 1 or any(each.axis != axis for each in given):
            return self._stop(call, f"{name} merges tensors of different kinds")
        full = [each.units for each in given if len(each.units) == most]
        spread = [key for key, each in zip(call.inputs, given) if len(each.units) < most]
        for key in spread:
            self._keep(self.carried[key].units, f"{name} spreads it over other units")
        for units in full[1:]:
            self._link(full[0], units)
        self._carry(call, axis, full[0], spread)

    def _concatenate(self, call: Call, kind: Kind) -> None:
        given = [self.carried[key] for key in call.inputs]
        axis = given[0].axis
        if any(each.axis != axis for each in given):
            return self._stop(call, f"{call.path} ({type(call.layer).__name__}) merges tensors of different kinds")
        if call.layer.axis % len(call.output_shapes[0]) != axis:
            return self._merge(call, kind)
        self._carry(call, axis, np.concatenate([each.units for each in given]))

    def _reshape(self, call: Call, kind: Kind) -> None:
        """Units stay units where a whole axis of the new shape tells them apart."""
        given = self.carried[call.inputs[0]]
        if None in (*call.input_shapes[0][1:], *call.output_shapes[0][1:]):
            return self._stop(call, f"{call.path} ({type(call.layer).__name__}) has no fixed size")
        axis, units, others = reshaped_units(call, given.units, given.axis)
        for each in others:
            self._link(units, each)
        if isinstance(call.layer, keras.layers.Reshape):
            self._record(call, Passage(kind, given.units, units, (given.axis, axis), given.silent))
        self._carry(call, axis, units)

    def _carry(self, call: Call, axis: int, units: np.ndarray, spread: Collection[int] = ()) -> None:
        """Units that go on as they are, and the value of each when it is silent.

        What is spread over them may have any value: two are tried.
        """
        silent, key = np.zeros(len(units)), call.outputs[0]
        if key not in self._before_cut:
            rivals = [dict.fromkeys(spread, value) for value in (1.0, -2.0)] if spread else [{}]
            tried = [self._passed(call, axis, instead) for instead in rivals]
            if any(found is None or not np.array_equal(found, tried[0]) for found in tried):
                self._keep(units, f"{call.path} makes different values of a silent unit at different places")
            else:
                silent = np.where([unit in self.whole for unit in units.tolist()], 0, tried[0])
        if key in self._gated:
            cut = self._gated[key]
            if cut.kind in MERGES and not silent.any():
                self.follows.add(cut.layer)
            silent = np.zeros(len(units))
        self.carried[key] = Carried(axis, units, silent)

    def _passed(self, call: Call, axis: int, instead: Mapping[int, float]) -> np.ndarray | None:
        given = {key: self.carried[key] for key in call.inputs}
        constants = {
            key: (each.axis, np.full(len(each.silent), instead[key]) if key in instead else each.silent)
            for key, each in given.items()
        }
        return passed_constants(call, constants, axis)


def _tensors_before(graph: Graph, cuts: dict[str, CutPoint]) -> Iterable[int]:
    """Tensors between a layer that makes units and its cut, itself included: whatever they hold, the cut is silent."""
    readers = graph.consumers()
    for call in graph.calls:
        if call.path in cuts and cuts[call.path].kind not in MERGES:
            yield (key := call.outputs[0])
            while key != cuts[call.path].tensor:
                yield (key := readers[key][0].outputs[0])


def _input_shapes(graph: Graph) -> Iterable[tuple]:
    shapes = {key: shape for call in graph.calls for key, shape in zip(call.inputs, call.input_shapes)}
    return [shapes.get(key, (None, 1)) for key in graph.inputs]
