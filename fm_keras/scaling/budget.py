"""Widths by the conservation law for a budget, and networks of equal cost at other depth ratios."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, count
from math import log, prod

import keras
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.models import architecture, build_model, full_spec
from fm_keras.scaling.width_counts import Measure, WidthCounts, width_counts
from fm_keras.scaling.widths import law_deviation, law_table
from fm_keras.settings import ModelSpec

_WORDS = {"macs": "MACs", "parameters": "parameters"}
_MOST = 10**18  # beyond any network, and what floats can search


@dataclass(frozen=True, eq=False)
class Proposal:
    """Widths of the convolutions of a network that keep the conservation law within a budget."""

    table: pd.DataFrame
    """as `conservation_table` has it at these widths, and `before`: the filters that the network has now"""
    macs: int
    """multiply-accumulates for one image"""
    parameters: int
    """parameters as Keras counts them, statistics of BatchNorm included"""
    spec: ModelSpec | None
    """what `build_model` takes to make it; None for a model that is none of the architectures here"""

    @property
    def deviation(self) -> float:
        """How far it is from the law, which whole filters cannot keep exactly; see `law_deviation`."""
        return law_deviation(self.table)


def conserve(network: keras.Model | ModelSpec, *, macs: int | None = None, parameters: int | None = None) -> Proposal:
    """The widest convolutions that keep the conservation law and a budget.

    Every convolution gets the whole number of filters next to c / sqrt(H W), at least one, with the same c for all:
    the largest with which the budget holds.  Dense layers keep their units.  Residual networks fit in: what an
    addition merges lies on one map, where the law wants equal widths anyway.

    Args:
        network: a spec, or a model through which channels can be followed: plain, separable and depthwise
            convolutions, BatchNorm, activations, pools, additions, concatenations, Flatten, Dense.
        macs: at most so many multiply-accumulates for one image.
        parameters: instead, at most so many parameters.

    Returns:
        The proposal; `build_model(proposal.spec)` makes the network from a spec.

    Raises:
        CannotCut: the model has no graph of calls.
        InvalidInput: none or two budgets, one too small or without end, or a layer that channels cannot be followed
            through.

    Source: the law: arXiv:2211.11106.  *Ours*: rounding and budget.
    """
    if (macs is None) == (parameters is None):
        raise InvalidInput(f"Give either macs or parameters as the budget; received macs={macs}, {parameters=}.")
    measure, budget = ("macs", macs) if parameters is None else ("parameters", parameters)
    _require_finite(budget, measure)
    spec = full_spec(network) if isinstance(network, ModelSpec) else None
    counts = width_counts(build_model(spec) if spec else network)
    filters = _widest(counts, measure, budget)
    table = law_table((path, counts.maps[path], number) for path, number in counts.all_filters(filters).items())
    table.insert(2, "before", list(counts.all_filters(counts.filters).values()))
    totals = {each: counts.count(filters, each) for each in _WORDS}
    return Proposal(table, **totals, spec=spec and _spec_with(spec, list(filters.values())))


def equal_macs_widths(spec: ModelSpec, ratios: Iterable[float], macs: int) -> list[tuple[int, float, int]]:
    """Generalized LeNets that cost the same and divide their filters otherwise between the two convolutions.

    For each ratio these are whole widths whose cost is next to the budget and whose ratio is next to the one wanted:
    whole filters make of 3 perhaps 2.9, and of 3 perhaps 2 where the network has few.

    Args:
        spec: of a network with a depth ratio; its own width and depth ratio do not matter.
        ratios: filters of the second convolution for each of the first, as they are wanted.
        macs: multiply-accumulates for one image that all shall have.

    Returns:
        (width, depth_ratio, MACs) for each ratio, as `ModelSpec` takes the first two; ratios that come to the same
        network are there once.

    Raises:
        InvalidInput: another architecture, a ratio that is not positive, or too few MACs for it.

    Source: *ours*; for sweeps that ask which ratio is best, as arXiv:2211.11106 does.
    """
    if architecture(spec.name).depth_ratio is None:
        raise InvalidInput(f"Model {spec.name} has no depth_ratio; LeNet has.")
    _require_finite(macs, "macs")
    counts = width_counts(build_model(full_spec(spec.changed(width=1, depth_ratio=1))))
    return list(dict.fromkeys(_nearest(counts, ratio, macs) for ratio in ratios))


def _require_finite(budget: float, measure: Measure) -> None:
    if not budget <= _MOST:
        raise InvalidInput(f"A budget is a number of {_WORDS[measure]} up to {_MOST:.0e}; received {budget}.")


def _nearest(counts: WidthCounts, ratio: float, macs: int) -> tuple[int, float, int]:
    """Width, depth ratio and MACs of the network next to a cost and a ratio."""
    if not ratio > 0:
        raise InvalidInput(f"A depth ratio is a number above 0; received {ratio}.")

    def cost(first: int, second: int) -> int:
        return counts.count(dict(zip(counts.filters, (first, second))), "macs")

    def asked(first: int) -> int:
        return max(1, round(ratio * first))

    def best_second(first: int) -> int:
        more = next(second for second in count(1) if cost(first, second) > macs)
        return min((more - 1, more), key=lambda second: abs(cost(first, second) - macs))

    if cost(1, asked(1)) > macs:
        least = f"{cost(1, asked(1)):,} with 1 and {asked(1)} filters"
        raise InvalidInput(f"{macs:,} MACs are too few for the depth ratio {ratio:g}: the least is {least}.")
    above = next(first for first in count(2) if cost(first, asked(first)) > macs)
    pairs = [(first, best_second(first)) for first in (above - 1, above) if cost(first, 1) <= macs]
    first, second = min(pairs, key=lambda pair: abs(log(pair[1] / pair[0] / ratio)))
    return first, second / first, cost(first, second)


def _widest(counts: WidthCounts, measure: Measure, budget: int) -> dict[str, int]:
    """Filters of every free convolution at the largest constant whose count is within the budget."""
    sides = {path: prod(counts.maps[path]) ** 0.5 for path in counts.filters}
    if not sides:
        raise InvalidInput("The network has no convolution whose filters could be chosen.")

    def filters(constant: float) -> dict[str, int]:
        return {path: max(1, round(constant / side)) for path, side in sides.items()}

    def fits(constant: float) -> bool:
        return counts.count(filters(constant), measure) <= budget

    low = max(sides.values())  # one filter on the largest map
    if not fits(low):
        least = counts.count(filters(low), measure)
        raise InvalidInput(
            f"A budget of {budget:,} {_WORDS[measure]} is too small: the narrowest network that keeps the law, its "
            f"Dense layers as they are, has {least:,}. Allow at least that."
        )
    high = next(low * 2**power for power in count(1) if not fits(low * 2**power))
    low = high / 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return filters(low)


def _spec_with(spec: ModelSpec, filters: list[int]) -> ModelSpec:
    """The spec of the same architecture with these filters of its convolutions."""
    if spec.depth_ratio is not None:
        return spec.changed(width=filters[0], depth_ratio=filters[1] / filters[0])
    firsts = [0, *accumulate(architecture(spec.name).blocks[:-1])]
    widths = tuple(filters[first] for first in firsts)
    return spec.changed(width=widths[0], block_widths=widths)
