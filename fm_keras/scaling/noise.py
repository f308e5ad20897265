"""How far a fit may be off: the noise of seeds, and what the widths deviate from the law beyond it.

The mean of width i is taken to lie around the law with variance `sigma^2 (1 + r) / w_i`, where w_i is its weight,
sigma^2 the variance of a seed of weight one, and r >= 0 what the widths deviate beyond their seeds.  The seeds tell
sigma^2, the residuals of the law tell `sigma^2 (1 + r)`, and all values of `(1 + r)**(-1/4)` from 0 to 1 are held to be
equally likely beforehand (ours; benchmarks/power_law.py shows what the intervals hold).  Where there is one seed a
width, this is Student's t with G - p degrees of freedom, G widths and p parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import fdtr, logsumexp

_SHARES = np.exp(np.log(1e-12) * (np.arange(400) + 0.5) / 400)  # 1 / (1 + r), evenly in their logarithms
_BEFORE = _SHARES**0.25
EXACT = 1e-22
"""squares that are rounding and nothing else"""


@dataclass(frozen=True)
class Noise:
    """What is known of the variance around a law."""

    within: float
    """squares around the means of the widths"""
    within_dof: int
    """their degrees of freedom"""
    around: float
    """squares of the means around the law"""
    around_dof: int
    """their degrees of freedom: widths less parameters"""

    def budget(self, level: float) -> float:
        """By how much the sum of squares may grow from its least, for an interval of this level."""
        if self.exact:
            return 0.0
        likely, variances = self._likely(), self._variances()
        dof = self.within_dof + self.around_dof

        def missing(log_budget: float) -> float:
            return float(likely @ fdtr(1, dof, np.exp(log_budget) / variances)) - level

        start = np.log(variances.max())
        return float(np.exp(brentq(missing, start - 60, start + 60)))

    def draw(self, rng: np.random.Generator, rounds: int) -> np.ndarray:
        """(rounds,) variances of a mean of weight one, each as likely as the curve makes it."""
        if self.exact:
            return np.zeros(rounds)
        dof = self.within_dof + self.around_dof
        chosen = rng.choice(len(_SHARES), rounds, p=self._likely())
        return self._variances()[chosen] * dof / rng.chisquare(dof, rounds)

    @property
    def exact(self) -> bool:
        """Whether there is no noise at all but rounding."""
        return self.within + self.around < EXACT

    def _variances(self) -> np.ndarray:
        """Expected `sigma^2 (1 + r)`, for each share 1 / (1 + r)."""
        return (self.within / _SHARES + self.around) / (self.within_dof + self.around_dof)

    def _likely(self) -> np.ndarray:
        """How likely each share is after the curve was seen."""
        squares = self.within + self.around * _SHARES
        logs = np.log(_BEFORE) + self.around_dof / 2 * np.log(_SHARES)
        logs -= (self.within_dof + self.around_dof) / 2 * np.log(squares)
        return np.exp(logs - logsumexp(logs))
