"""The labels that units speak for: those of their clusters, at any threshold, or at random."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from fm_keras.analysis import Analysis
from fm_keras.errors import InvalidInput
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.unit_values import carried_values

Labels = Mapping[str, np.ndarray]
"""(U, K) bool by path of the layer that makes the units: which labels each has."""


def unit_labels(model: keras.Model, analysis: Analysis) -> dict[str, np.ndarray]:
    """Labels that the units of each cut carry.

    A layer that makes new units gives each the labels of its clusters.  BatchNorm, activations, pools, dropout,
    depthwise convolutions and concatenations carry on the labels of what they read; an add, or another merge unit by
    unit, takes their union.

    Args:
        model: the one that was analyzed; left as it was.
        analysis: of all its cuts or some; `analysis.network` for the clusters of network fields.

    Returns:
        (U, K) bool by path of the cut, in depth order, for the cuts of which all units are known.

    Raises:
        InvalidInput: the analysis is of another model.
        CannotCut: no layer of the model can be cut.

    Source: Phys. Rev. E 111, 065307 (2025); labels where branches meet are *ours*.
    """
    found = Dependencies(model)
    carried = carried_labels(found, cluster_labels(found, analysis))
    values = {path: carried[cut.tensor] for path, cut in found.cuts.items()}
    return {path: labels > 0 for path, labels in values.items() if not np.isnan(labels).any()}


def carried_labels(found: Dependencies, labels: Labels) -> dict[int, np.ndarray]:
    """Labels in the channels of every tensor: 1, 0, or NaN where nothing is known; see `carried_values`."""
    return carried_values(found, {path: each.astype(np.float32) for path, each in labels.items()})


def cluster_labels(found: Dependencies, analysis: Analysis, threshold: float | None = None) -> dict[str, np.ndarray]:
    """Labels in the clusters of each unit that was measured, by path of the layer.

    Clusters partition the labels whose own field is above the threshold, so those are all labels of the unit.

    Args:
        found: of the model.
        analysis: of its layers.
        threshold: share of the largest field; that of the analysis if None.

    Raises:
        InvalidInput: the analysis is of another model, or a threshold outside (0, 1).
    """
    if threshold is not None and not 0 < threshold < 1:
        raise InvalidInput(f"threshold is {threshold}; it is a share of the largest field, between 0 and 1, e.g. 0.3.")
    check_analysis(found, analysis)
    if threshold is None:
        return {filters.layer: filters.cluster_of >= 0 for filters in analysis}
    return {path: shares > threshold for path, shares in own_shares(analysis).items()}


def check_analysis(found: Dependencies, analysis: Analysis) -> None:
    """Refuse an analysis whose units are not those of a model.

    Raises:
        InvalidInput: another layer, or another number of units.
    """
    for filters in analysis:
        units = found.cuts[filters.layer].units if filters.layer in found.cuts else "none"
        if units != len(filters):
            raise InvalidInput(
                f"The analysis is of another model than {found.model_name!r}: it has {len(filters)} units of "
                f"{filters.layer!r}, the model has {units}. Analyze this model."
            )


def own_shares(analysis: Analysis) -> dict[str, np.ndarray]:
    """What each unit puts on the output of a label when it sees that label, as a share of its largest field.

    Returns:
        (U, K) by path of the layer, from 0 (if it is negative) to 1.
    """
    shares = {}
    for filters in analysis:
        blocks = []
        for _, fields in filters.field_blocks():
            largest = fields.max(axis=(1, 2), initial=0)[:, None]
            own = np.maximum(fields.diagonal(axis1=1, axis2=2), 0)
            blocks.append(own / np.where(largest > 0, largest, 1))
        shares[filters.layer] = np.concatenate(blocks)
    return shares


def random_labels(sizes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random sets of labels in which every label occurs equally often, up to one.

    Args:
        sizes: (U,) labels of each unit.
        count: number of labels, K.
        rng: draws the sets.

    Returns:
        (U, K) bool.

    Source: the control of Phys. Rev. E 111, 065307 (2025); how the sets are drawn is *ours*.
    """
    labels, used = np.zeros((len(sizes), count), bool), np.zeros(count, int)
    for unit in rng.permutation(len(sizes)):
        # The least used come first, in random order among equals.
        chosen = np.lexsort((rng.random(count), used))[: sizes[unit]]
        labels[unit, chosen] = True
        used[chosen] += 1
    return labels
