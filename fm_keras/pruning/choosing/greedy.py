"""Units of all layers chosen one after the other, each time the one whose removal costs least together with the rest.

On CIFAR-10 it is the choice that leaves most of a network where nothing may be repaired or trained afterwards.
"""

from __future__ import annotations

from itertools import count

import numpy as np

from fm_keras.data import Split, choose_images
from fm_keras.errors import InvalidInput
from fm_keras.filters import ContributionsWithout, Savings, choose_units
from fm_keras.progress import Step
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import GatedModel, stream_contributions

ROUNDS = 8
_IMAGES = 2000
_FLOAT, _COPIES = 4, 4  # copies of contributions: batches, all of them, by output, and what is summed


def greedy_choice(
    bundles: Bundles,
    evidence: Evidence,
    budget: float,
    quotas: np.ndarray,
    *,
    labeled: bool,
    savings: Savings | None = None,
) -> np.ndarray:
    """Choose bundles by `choose_units`; contributions are taken again after every eighth of the removals.

    What a bundle contributes is the sum over the cuts where its units begin, `Bundles.sources`.

    Args:
        bundles: units that may go.
        evidence: the model, a classifier with logits or a softmax of them; and labeled images, of which as many are
            taken as fit, 2,000 at most, equally many of every label.
        budget: how many bundles to remove; with `savings`, how much to save.
        quotas: (groups,) how many bundles of each group may go at most.
        labeled: least loss; otherwise least change of the logits, without a look at labels.
        savings: from bundles removed so far to what the removal of each would save.

    Returns:
        Numbers of bundles in the order of removal.

    Raises:
        InvalidInput: no logits to be found, labels that do not fit, contributions that do not fit the memory limit.

    Source: *ours*.
    """
    settings = evidence.settings
    gated = GatedModel(evidence.model, layers=bundles.gated, outputs=settings.outputs)
    _check_memory(len(bundles), gated.labels, settings)
    split = images_that_fit(evidence.split, _IMAGES, units=len(bundles), labels=gated.labels, settings=settings)
    without = _bundles_without(gated, split, bundles, evidence)
    labels = split.labels if labeled else None
    return choose_units(without, labels, budget, rounds=ROUNDS, groups=bundles.group_of, quotas=quotas, savings=savings)


def images_that_fit(split: Split, most: int, *, units: int, labels: int, settings: AnalysisSettings) -> Split:
    """As many images, equally many of every label, as the greedy choice can hold the contributions of."""
    fitting = int(settings.memory_limit * 1e9 / _image_memory(units, labels))
    return choose_images(split, max(labels, min(most, fitting)), labels=labels, seed=settings.seed)


def _bundles_without(gated: GatedModel, split: Split, bundles: Bundles, evidence: Evidence) -> ContributionsWithout:
    """Contributions of all bundles without some of them."""
    sums = {path: _Sum(bundles.at(path)) for path in bundles.sources}
    how = {"settings": evidence.settings, "preprocess": evidence.preprocess}
    rounds = count(1)

    def without(removed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        silenced = {path: units for path, units in bundles.units(removed).items() if path in bundles.gated}
        logits = np.empty((len(split), gated.labels), np.float32)
        contributions = np.zeros((len(split), len(bundles), gated.labels), np.float32)
        first = 0
        for labels, found in stream_contributions(gated, split, silenced=silenced, **how):
            rows = slice(first, first := first + len(labels))
            logits[rows] = found.logits
            for path, values in found.dense().items():
                if path in sums:
                    sums[path].add(values, contributions[rows])
        evidence.progress(Step("choose", next(rounds), ROUNDS))
        return logits, contributions

    return without


class _Sum:
    """Sums over the units of a cut that belong to the same bundle."""

    def __init__(self, numbers: np.ndarray) -> None:
        self._order = np.argsort(numbers, kind="stable")[np.sum(numbers < 0) :]
        self._bundles, self._starts = np.unique(numbers[self._order], return_index=True)

    def add(self, values: np.ndarray, sums: np.ndarray) -> None:
        """Add values (n, U, K) of units to sums (n, bundles, K), in place."""
        sums[:, self._bundles] += np.add.reduceat(values[:, self._order], self._starts, axis=1)


def _image_memory(units: int, labels: int) -> int:
    return _FLOAT * _COPIES * labels * units


def _check_memory(units: int, labels: int, settings: AnalysisSettings) -> None:
    need = labels * _image_memory(units, labels) / 1e9
    if need > settings.memory_limit:
        raise InvalidInput(
            f"The greedy choice among {units:,} units takes {need:.2g} GB for one image of each of {labels} labels; "
            f"the memory limit is {settings.memory_limit:g} GB. Raise it, name fewer layers, or take taylor_squared."
        )
