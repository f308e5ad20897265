"""Which filters of a layer speak for a label: by their shares of its field (*ours*)."""

from __future__ import annotations

import numpy as np

from fm_keras.analysis import LayerFilters


def label_shares(filters: LayerFilters) -> np.ndarray:
    """Share of every filter in what its layer says for each label (*ours*).

    share[u, l] = F_u[l, l] / sum over the layer's filters of their positive F[l, l], F the fields.  The positive shares
    of a label add up to 1; a filter that speaks against a label has a negative one.

    Args:
        filters: of the layer.

    Returns:
        (U, K) float32; 0 for a label that no filter speaks for.
    """
    if filters.held is not None:
        diagonal = filters.held.diagonal(axis1=1, axis2=2)
    else:  # the diagonals alone: with a thousand labels all fields would not fit in memory
        diagonal = np.einsum("kpu,puk->uk", filters.class_means, filters.kernel)
    total = np.maximum(diagonal, 0).sum(axis=0)
    return np.divide(diagonal, total, out=np.zeros(diagonal.shape, np.float32), where=total > 0)


def ranked_filters(filters: LayerFilters, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Filters of a layer by their share of each label, the largest first.

    Args:
        filters: of the layer.
        most: how many to name for each label.

    Returns:
        Numbers of filters (K, most) int32, -1 behind the last of the layer; their shares (K, most) float32, 0 there.
    """
    shares = label_shares(filters)
    order = np.argsort(-shares, axis=0, kind="stable")[:most]
    missing = ((0, 0), (0, most - len(order)))
    numbers = np.pad(order.T.astype(np.int32), missing, constant_values=-1)
    return numbers, np.pad(np.take_along_axis(shares, order, axis=0).T, missing)
