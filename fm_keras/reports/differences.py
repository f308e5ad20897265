"""What differs most between networks, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fm_keras.numbers import figures
from fm_keras.reports.compare import Comparison

_NAMES = {
    "snr": "SNR",
    "noise": "noise",
    "n_clusters": "clusters of a filter",
    "cluster_size": "cluster size",
    "accuracy": "accuracy",
    "dead": "share of dead filters",
}
_SHARES = ("accuracy", "dead")


@dataclass(frozen=True)
class Difference:
    """The largest difference of one measure."""

    measure: str
    layer: str
    first: float
    here: float
    size: float
    """relative to the larger of the two; of shares the difference itself"""

    def __str__(self) -> str:
        return f"in {self.layer} ({figures(self.here)} instead of {figures(self.first)})"


def largest_differences(layers: pd.DataFrame) -> list[Difference]:
    """Where each measure differs most from the first network, the largest difference first.

    Args:
        layers: rows of one run in `Comparison.layers`.

    Returns:
        One for each measure that differs at all.
    """
    found = []
    for measure in _NAMES:
        here, first = layers[measure].to_numpy(float), layers[f"{measure}_first"].to_numpy(float)
        change = np.abs(layers[f"{measure}_change"].to_numpy(float))
        scale = np.ones(len(layers)) if measure in _SHARES else np.maximum(np.abs(here), np.abs(first))
        finite = np.isfinite(change) & (change > 0)
        # From or to infinity is the largest relative difference there is.
        size = np.where(np.isinf(change), 1.0, np.divide(change, scale, out=np.zeros(len(layers)), where=finite))
        place = int(size.argmax())
        if size[place] > 0:
            found.append(Difference(measure, layers["layer"].iloc[place], first[place], here[place], size[place]))
    return sorted(found, key=lambda difference: -difference.size)


def say_differences(comparison: Comparison) -> list[str]:
    """For each network after the first: what differs most, and how alike matched filters are.

    Args:
        comparison: what `compare` returned.

    Returns:
        One text per network.
    """
    first = comparison.names[0]
    return [
        f"{name} against {first}: {_measures(layers)} {_matches(layers, comparison)}"
        for name, layers in comparison.layers.groupby("run", sort=False)
    ]


def _measures(layers: pd.DataFrame) -> str:
    differences = largest_differences(layers)
    if not differences:
        return "no layer differs in any measure."
    most, *others = differences
    accuracy = [f"; accuracy most {each}" for each in others if each.measure == "accuracy"]
    return f"{_NAMES[most.measure]} differ{_ending(most)} most, {most}{''.join(accuracy)}."


def _ending(difference: Difference) -> str:
    return "" if difference.measure == "n_clusters" else "s"


def _matches(layers: pd.DataFrame, comparison: Comparison) -> str:
    filters = comparison.filters[comparison.filters["run"] == layers["run"].iloc[0]]
    same = (filters["labels"] == filters["partner_labels"]).mean()
    kept = f"{same:.0%} of all matched filters have the same clusters."
    above = layers["similarity"] - layers["similarity_by_chance"]
    best, worst = layers.loc[above.idxmax()], layers.loc[above.idxmin()]
    if layers["similarity"].min() > 1 - 1e-6:
        return f"Every filter has its equal; {kept}"
    if len(layers) == 1:
        return f"Matched filters have similarity {_with_chance(best)}; {kept}"
    return (
        f"Compared with chance, matched filters are most alike in {best.layer} (similarity {_with_chance(best)}) "
        f"and least in {worst.layer} ({_with_chance(worst)}); {kept}"
    )


def _with_chance(layer: pd.Series) -> str:
    return f"{layer.similarity:.2f}, {layer.similarity_by_chance:.2f} by chance"
