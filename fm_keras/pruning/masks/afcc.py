"""AFCC: keep the connections between units that speak for the same labels, and its control with random labels."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np

from fm_keras.analysis import Analysis
from fm_keras.errors import InvalidInput
from fm_keras.pruning.masks.connection_masks import ConnectionMasks, connection_masks, dilution_of
from fm_keras.pruning.masks.label_masks import LabelMasks
from fm_keras.pruning.masks.unit_labels import cluster_labels, own_shares, random_labels
from fm_keras.pruning.surgery.dependencies import Dependencies


def afcc_masks(
    model: keras.Model,
    analysis: Analysis,
    *,
    layers: Iterable[str] | None = None,
    threshold: float | None = None,
    dilution: float | None = None,
) -> ConnectionMasks:
    """Keep a connection if the unit read and the unit put out share a label.

    Units have the labels of their clusters, see `unit_labels`; output j of the network has label j.  A unit without a
    cluster shares nothing: all its connections are cut.  Where calls share a kernel, a connection stays if any of them
    keeps it.  A layer that reads or makes units of which nothing was measured is left whole.

    Args:
        model: classifier of the labels that were measured, the one that was analyzed; left as it was.
        analysis: of its layers; `analysis.network` for the clusters of network fields.
        layers: paths of the layers whose connections may be cut; all if None.
        threshold: share of a unit's largest field that a label needs; as in the analysis if None.
        dilution: share of the connections of the masked layers to be cut, which chooses the threshold.

    Returns:
        The masks; `.whole` names the layers that are left whole, and why.

    Raises:
        InvalidInput: the analysis is of another model; one of the layers has no connections or is left whole; a
            dilution that no threshold makes, or both a threshold and a dilution.
        CannotCut: no layer of the model can be cut.

    Source: Phys. Rev. E 111, 065307 (2025); labels where branches meet, shared kernels, and the threshold for a
    dilution are *ours*.
    """
    if dilution is not None:
        if threshold is not None:
            raise InvalidInput(f"threshold {threshold} and dilution {dilution} exclude each other: give one of them.")
        threshold = afcc_threshold(model, analysis, dilution, layers=layers)
    found = Dependencies(model)
    used = analysis.settings.threshold if threshold is None else threshold
    masks, whole = LabelMasks(model, found, layers).make(cluster_labels(found, analysis, threshold))
    return connection_masks(model, masks, whole=whole, origin=f"AFCC at threshold {used:.4g}, {analysis.source}")


def random_afcc_masks(
    model: keras.Model,
    analysis: Analysis,
    rng: np.random.Generator,
    *,
    layers: Iterable[str] | None = None,
    threshold: float | None = None,
    size: int | None = None,
) -> ConnectionMasks:
    """The control of AFCC: every unit gets a random set of labels, in each layer every label equally often.

    Args:
        model: as for `afcc_masks`.
        analysis: of its layers.
        rng: draws the sets.
        layers: as for `afcc_masks`.
        threshold: of the clusters that say how many labels units have; that of the analysis if None.
        size: labels of every unit; if None, the numbers that the units of the layer really have, dealt out at random.

    Returns:
        The masks, whose dilution is near that of AFCC and not the same; `random_masks` makes the same.

    Raises:
        InvalidInput: as `afcc_masks`, or a size that is no number of labels.

    Source: Phys. Rev. E 111, 065307 (2025).
    """
    found, count = Dependencies(model), len(analysis.label_names)
    if size is not None and not 0 <= size <= count:
        raise InvalidInput(f"size is {size}; it is a number of labels, from 0 to {count}.")
    labels = {}
    for path, real in cluster_labels(found, analysis, threshold).items():
        sizes = rng.permutation(real.sum(axis=1)) if size is None else np.full(len(real), size)
        labels[path] = random_labels(sizes, count, rng)
    masks, whole = LabelMasks(model, found, layers).make(labels)
    return connection_masks(model, masks, whole=whole, origin="random AFCC")


def afcc_threshold(
    model: keras.Model, analysis: Analysis, dilution: float, *, layers: Iterable[str] | None = None
) -> float:
    """Threshold of the clusters at which AFCC cuts a share of the connections.

    The higher the threshold, the fewer labels a unit has and the more is cut.  Between two neighboring shares of the
    fields nothing changes, so all thresholds that matter are tried, by bisection.

    Args:
        model: as for `afcc_masks`.
        analysis: of its layers.
        dilution: share of the connections of the masked layers that shall be cut.
        layers: as for `afcc_masks`.

    Returns:
        The threshold whose dilution is nearest.

    Raises:
        InvalidInput: as `afcc_masks`, or no threshold cuts as much, or as little; the message says what can be had.

    Source: *ours*.
    """
    found = Dependencies(model)
    cluster_labels(found, analysis)
    maker, shares = LabelMasks(model, found, layers), own_shares(analysis)
    tried = _thresholds(shares)
    cut: dict[int, float] = {}

    def dilution_at(number: int) -> float:
        if number not in cut:
            masks, _ = maker.make({path: each > tried[number] for path, each in shares.items()})
            cut[number] = dilution_of(masks)
        return cut[number]

    low, high = 0, len(tried) - 1
    if not dilution_at(low) <= dilution <= dilution_at(high):
        raise InvalidInput(
            f"AFCC cannot cut {dilution:.3g} of the connections: with these fields it cuts from "
            f"{dilution_at(low):.3g} to {dilution_at(high):.3g}, at thresholds from {tried[low]:.2g} to "
            f"{tried[high]:.2g}."
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if dilution_at(middle) <= dilution else (low, middle)
    return tried[min(low, high, key=lambda number: abs(dilution_at(number) - dilution))]


def _thresholds(shares: dict[str, np.ndarray]) -> list[float]:
    """Every threshold at which some unit loses a label, and one below which none does, in order."""
    values = np.unique(np.concatenate([each.ravel() for each in shares.values()]))
    inside = values[(values > 0) & (values < 1)].tolist()
    return [inside[0] / 2, *inside] if inside else [0.5]
