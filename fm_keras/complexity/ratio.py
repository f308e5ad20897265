"""A sum over points divided by another, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Ratio:
    """`sum(above) / sum(below)`, one term of each for every point or edge."""

    above: np.ndarray
    """(T,) float64"""
    below: np.ndarray
    """(T,) float64"""

    @property
    def value(self) -> float:
        """The ratio; 0 without terms, infinite where only the lower sum is zero."""
        return float(_divide(self.above.sum(), self.below.sum()))

    def interval(self, rng: np.random.Generator, *, draws: int = 1000, level: float = 0.95) -> tuple[float, float]:
        """Percentile bootstrap interval over the terms, neighbors and tree being kept as they are.

        Args:
            rng: random numbers.
            draws: how many times the terms are drawn anew, with replacement.
            level: share of the draws inside.
        """
        if len(self.above) == 0:
            return self.value, self.value
        share = np.full(len(self.above), 1 / len(self.above))
        values = np.empty(draws)
        for draw in range(draws):
            times = rng.multinomial(len(share), share)
            values[draw] = _divide(times @ self.above, times @ self.below)
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def _divide(above: float, below: float) -> float:
    if below == 0:
        return 0.0 if above == 0 else np.inf
    return above / below
