"""Multiply-accumulates and parameters of a model without some of its units, counted without making it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import keras
import numpy as np
from scipy.sparse import csr_array

from fm_keras.models.graph import Call
from fm_keras.models.operations import call_operations
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.unit_flow import Passage

Measure = Literal["macs", "params"]
_READ = frozenset(("in", "spread", "group"))


@dataclass(frozen=True, eq=False)
class Term:
    """What a weight adds to a count: a factor, times the channels read that are left, times those put out.

    The bias that surgery gives to a layer without one, for the constants that silent units leave, counts only when such
    a unit is gone.
    """

    path: str
    """of the call"""
    factor: float
    reads: np.ndarray | None
    """numbers of the units read; None if the count does not go with them"""
    makes: np.ndarray | None
    """numbers of the units put out; None if the count does not go with them"""
    after: np.ndarray | None = None
    """numbers of the units of which one must be gone; None if it counts anyway"""

    def count(self, gone: np.ndarray) -> float:
        """What it adds without the units that are gone (units of the model,)."""
        if self.after is not None and not gone[self.after].any():
            return 0
        return self.factor * prod(np.sum(~gone[units]) for units in (self.reads, self.makes) if units is not None)


def count_terms(found: Dependencies, measure: Measure) -> list[Term]:
    """What a model's count is the sum of.

    Args:
        found: the model's units.
        measure: macs: multiply-accumulates for one image, as `count_operations` counts them; params: weights, those of
            a shared layer at its first call; and a bias that surgery adds for what silent units leave.

    Raises:
        InvalidInput: multiply-accumulates where images have no fixed size.
    """
    read = _operations if measure == "macs" else _weights_once()
    return [term for call in found.graph.calls for term in read(call, found.flow.passages.get(call.path))]


def counts_by_call(terms: list[Term], gone: np.ndarray) -> dict[str, int]:
    """Count of every call that has any, by path, without the units that are gone."""
    counts: dict[str, float] = {}
    for term in terms:
        counts[term.path] = counts.get(term.path, 0) + term.count(gone)
    return {path: round(value) for path, value in counts.items()}


class BundleCounts:
    """The count of a model without some bundles of units, and what each further bundle would save.

    A bias that surgery may add counts as soon as any unit of a group goes of which some unit leaves a constant, so that
    the count is never too small and depends on how many of each group go, not on which.

    Args:
        bundles: units that may go.
        measure: macs or params.

    Raises:
        InvalidInput: multiply-accumulates where images have no fixed size.
    """

    def __init__(self, bundles: Bundles, measure: Measure) -> None:
        terms = count_terms(bundles.found, measure)
        self._bundles = bundles
        self._factors = np.array([term.factor for term in terms])
        self._read, self._all_read = self._channels([term.reads for term in terms])
        self._made, self._all_made = self._channels([term.makes for term in terms])
        self._both = self._read * self._made
        self._bias = np.array([term.after is not None for term in terms])
        self._wakes = self._waking([term.after for term in terms])
        self._made_waking = self._made * self._wakes

    def total(self, removed: Sequence[int] = ()) -> float:
        """Count without some bundles, a whole number."""
        read, made, factors = self._left(removed)
        return float(np.rint(factors @ (read * made)))

    def savings(self, removed: Sequence[int]) -> np.ndarray:
        """(bundles,) what each would save if it went after those that are removed; less than 0 where it adds a bias."""
        read, made, factors = self._left(removed)
        # (r - a)(m - b) is less than r m by a m + b r - a b.
        of_readers, of_makers = (factors * made) @ self._read, (factors * read) @ self._made
        asleep = (self._factors - factors) * read
        added = (asleep * made) @ self._wakes - asleep @ self._made_waking
        return np.rint(of_readers + of_makers - factors @ self._both - added)

    def _left(self, removed: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(terms,) channels read and put out that are left, and factors: 0 of a bias that is not needed yet."""
        gone = np.zeros(len(self._bundles))
        gone[np.asarray(removed, int)] = 1
        factors = np.where(self._bias & (self._wakes @ gone == 0), 0, self._factors)
        return self._all_read - self._read @ gone, self._all_made - self._made @ gone, factors

    def _waking(self, units: list[np.ndarray | None]) -> csr_array:
        """(terms, bundles) 1 for all bundles of the groups with a unit that makes a bias necessary."""
        group_of, columns = self._bundles.group_of, [np.zeros(0, int)]
        for numbers in units:
            found = self._bundles.number_of[[] if numbers is None else numbers]
            columns.append(np.flatnonzero(np.isin(group_of, group_of[found[found >= 0]])))
        rows = np.repeat(np.arange(len(units)), [len(each) for each in columns[1:]])
        places = rows, np.concatenate(columns)
        return csr_array((np.ones(len(rows)), places), shape=(len(units), len(self._bundles)))

    def _channels(self, units: list[np.ndarray | None]) -> tuple[csr_array, np.ndarray]:
        """(terms, bundles) channels of every bundle, and (terms,) those of all units; 0 and 1 where none count."""
        found = [self._bundles.number_of[[] if numbers is None else numbers] for numbers in units]
        rows = np.repeat(np.arange(len(units)), [len(numbers) for numbers in found])
        columns = np.concatenate([np.zeros(0, int), *found])
        places = rows[columns >= 0], columns[columns >= 0]
        each = csr_array((np.ones(len(places[0])), places), shape=(len(units), len(self._bundles)))
        return each, np.array([1.0 if numbers is None else len(numbers) for numbers in units])


def _operations(call: Call, passage: Passage | None) -> Iterator[Term]:
    operations = call_operations(call)
    if operations and passage is None:
        yield Term(call.path, operations, None, None)
    elif operations:
        kernels = {name: axes for name, axes in passage.kind.weights.items() if "kernel" in name}
        times = operations / sum(prod(getattr(call.layer, name).shape) for name in kernels)
        yield from _terms(call, passage, kernels, times)


def _weights_once() -> Callable[[Call, Passage | None], Iterator[Term]]:
    seen: set[int] = set()

    def weights(call: Call, passage: Passage | None) -> Iterator[Term]:
        if id(call.layer) not in seen and isinstance(call.layer, keras.Layer):
            seen.add(id(call.layer))
            if passage is None:
                yield Term(call.path, call.layer.count_params(), None, None)
            else:
                yield from _terms(call, passage, passage.kind.weights, 1)
                yield from _added_bias(call, passage)

    return weights


def _added_bias(call: Call, passage: Passage) -> Iterator[Term]:
    """What surgery may add to a layer that has none, see `fm_keras.pruning.surgery.layer_surgery.smaller_layer`."""
    if passage.kind.flow == "mix" and passage.reads is not None and getattr(call.layer, "bias", None) is None:
        constant = passage.reads[passage.silent != 0]
        if len(constant):
            yield Term(call.path, 1, None, passage.makes, after=constant)


def _terms(call: Call, passage: Passage, weights: Mapping[str, tuple], times: float) -> Iterator[Term]:
    """One term for each weight there is."""
    for name, axes in weights.items():
        weight = getattr(call.layer, name, None)
        if weight is not None:
            reads = passage.reads if _READ.intersection(axes) else None
            makes = passage.makes if "out" in axes else None
            channels = [len(units) for units in (reads, makes) if units is not None]
            yield Term(call.path, times * prod(weight.shape) / prod(channels), reads, makes)
