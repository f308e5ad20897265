"""Units that masks leave without any connection to what comes before, or to what comes after."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.masks.connections import check_masks, connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies


def units_without_output(model: keras.Model, masks: ConnectionMasks) -> dict[str, list[int]]:
    """Units from which no connection leads to an output any more, and that can be removed.

    A mask removes no arithmetic, removing these units does, and the masked model puts out the same without them.

    Args:
        model: any with the layers that were masked: the whole, the held or the released model.
        masks: of its connections.

    Returns:
        Numbers of units by path of the cut, as `fm_keras.pruning.remove_units` takes them.  Of a layer that leads
        nowhere the first unit stays.

    Raises:
        InvalidInput: the masks do not fit the model.

    Source: *ours*.
    """
    found = Dependencies(model)
    check_masks(model, connections_of(found), masks.masks)
    # Units that must stay are used; what leads to a used one is used too.
    used, grown = np.zeros(found.bundle_of.max() + 1, bool), np.isin(range(found.bundle_of.max() + 1), [*found.reasons])
    while not np.array_equal(used, grown):
        used, grown = grown, grown.copy()
        for units in _leading_to(found, masks, used):
            grown[found.bundle_of[units]] = True
    gone = ~used[found.bundle_of]
    for call in found.graph.calls:
        units = found.flow.carried[call.outputs[0]].units
        if gone[units].all():
            gone[found.bundle_of == found.bundle_of[units[0]]] = False
    return found.removed_at(gone)


def units_without_input(model: keras.Model, masks: ConnectionMasks) -> dict[str, list[int]]:
    """Units of masked layers to which no connection leads any more: they put out a constant, whatever the image.

    Args:
        model: any with the layers that were masked.
        masks: of its connections.

    Returns:
        Numbers of units by path of the layer, for those that have some.  Removing one changes what the masked model
        puts out, if its constant is not zero and is read.

    Raises:
        InvalidInput: the masks do not fit the model.
    """
    check_masks(model, connections_of(Dependencies(model)), masks.masks)
    units = {path: np.flatnonzero(~mask.any(axis=0)).tolist() for path, mask in masks.masks.items()}
    return {path: each for path, each in units.items() if each}


def _leading_to(found: Dependencies, masks: ConnectionMasks, used: np.ndarray) -> Iterator[np.ndarray]:
    """Units read by each call over a connection to a unit of a used bundle."""
    for path, each in connections_of(found).items():
        mask = masks.masks.get(path, np.ones(each.shape, bool))
        for passage in each.passages:
            kept = mask & used[found.bundle_of[passage.makes]]
            yield passage.reads[np.unique(each.read[kept])]
