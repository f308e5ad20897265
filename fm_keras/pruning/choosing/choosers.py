"""Two ways to put units into the order in which they go: by what each is worth, or greedily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.counts import BundleCounts
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.greedy import greedy_choice


class Chooser(Protocol):
    """Says which bundles of units go."""

    def order(self, quotas: np.ndarray, budget: float, counts: BundleCounts | None = None) -> np.ndarray:
        """Bundles in the order in which they go, until the budget is saved.

        Args:
            quotas: (groups,) how many of each group may go at most; enough for the budget.
            budget: how much is to be saved.
            counts: what bundles save; each saves one if None.
        """

    def values(self, order: np.ndarray) -> np.ndarray:
        """(bundles,) what bundles were chosen by, for the order that was taken: the least went first."""


@dataclass(frozen=True, eq=False)
class ByWorth:
    """The next to go is the one that is worth least.  Ties: the smaller number.

    Worth that is a loss is divided by what the bundle saves at that time: fewer units in one layer make those of its
    neighbors save less.  Those worth less than nothing go first, by their worth alone.
    """

    bundles: Bundles
    worth: np.ndarray
    """(bundles,) what each is worth"""
    meaning: Literal["loss", "share", "place"]
    """loss: what the network loses; share: of the mean of the layer; place: in an order that is given, infinite for
    what is not named"""
    rule: str
    """who says so"""

    def order(self, quotas: np.ndarray, budget: float, counts: BundleCounts | None = None) -> np.ndarray:
        """See `Chooser`.

        Raises:
            InvalidInput: an order that names too few units.
        """
        order, saved, may_go = [], 0.0, quotas.copy()
        goes = np.zeros(len(self.bundles), bool)
        while saved < budget:
            savings = np.ones(len(goes)) if counts is None else counts.savings(order)
            left = np.flatnonzero(~goes & (may_go > 0)[self.bundles.group_of])
            bundle = int(left[self._keys(savings)[left].argmin()])
            if self.meaning == "place" and np.isinf(self.worth[bundle]):
                raise InvalidInput(
                    f"Rule {self.rule} names {np.isfinite(self.worth).sum()} units that may go, which are too few: "
                    "name more, or let more stay."
                )
            order.append(bundle)
            saved += savings[bundle]
            goes[bundle] = True
            may_go[self.bundles.group_of[bundle]] -= 1
        return np.array(order, int)

    def _keys(self, savings: np.ndarray) -> np.ndarray:
        if self.meaning != "loss":
            return self.worth
        return self.worth / np.where((self.worth > 0) & (savings > 0), savings, 1)

    def values(self, order: np.ndarray) -> np.ndarray:
        """What each is worth."""
        return self.worth


@dataclass(frozen=True, eq=False)
class Greedily:
    """The next to go is the one that costs least together with all that went before, see `greedy_choice`."""

    bundles: Bundles
    evidence: Evidence
    labeled: bool

    def order(self, quotas: np.ndarray, budget: float, counts: BundleCounts | None = None) -> np.ndarray:
        """See `Chooser`."""
        savings = None if counts is None else counts.savings
        return greedy_choice(self.bundles, self.evidence, budget, quotas, labeled=self.labeled, savings=savings)

    def values(self, order: np.ndarray) -> np.ndarray:
        """Places in the order of removal, infinite for what stays."""
        places = np.full(len(self.bundles), np.inf)
        places[order] = np.arange(len(order))
        return places
