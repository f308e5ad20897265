"""What AFCC has to beat: masks that cut as many connections of each layer, chosen by other means."""

from __future__ import annotations

from typing import Literal, get_args

import keras
import numpy as np
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.pruning.masks.connection_masks import ConnectionMasks, connection_masks
from fm_keras.pruning.masks.connections import Connections, connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.unit_values import carried_values

Norm = Literal["l1", "l2"]


def magnitude_masks(model: keras.Model, *, like: ConnectionMasks, norm: Norm = "l1") -> ConnectionMasks:
    """Cut the connections with the smallest weights, as many of each layer as other masks do.

    Args:
        model: the one of the other masks; left as it was.
        like: says how many connections of each layer are cut.
        norm: l1, the sum of the absolute weights of a connection, or l2, their Euclidean norm.

    Raises:
        InvalidInput: the other masks are of another model, or there is no such norm.
    """
    if norm not in get_args(Norm):
        raise InvalidInput(f"There is no norm {norm!r}. Norms: {', '.join(get_args(Norm))}.")
    order = 1 if norm == "l1" else 2
    worth = {path: np.linalg.norm(each.slices(), order, axis=0) for path, each in _connections(model, like).items()}
    masks = {path: _without_smallest(worth[path], _cut(mask)) for path, mask in like.masks.items()}
    return connection_masks(model, masks, whole=like.whole, origin=f"smallest {norm} norm, as many as {like.origin}")


def random_masks(model: keras.Model, rng: np.random.Generator, *, like: ConnectionMasks) -> ConnectionMasks:
    """Cut connections at random, as many of each layer as other masks do.

    Args:
        model: the one of the other masks; left as it was.
        rng: draws them.
        like: says how many connections of each layer are cut.

    Raises:
        InvalidInput: the other masks are of another model.
    """
    _connections(model, like)
    masks = {path: _without_smallest(rng.random(mask.shape), _cut(mask)) for path, mask in like.masks.items()}
    return connection_masks(model, masks, whole=like.whole, origin=f"random, as many as {like.origin}")


def unit_masks(model: keras.Model, scores: pd.Series, *, like: ConnectionMasks) -> ConnectionMasks:
    """Cut all connections from the units that are worth least, in each layer until about as many as other masks cut.

    Units are cut whole, those of the lowest score first, so the number of connections is the nearest that whole units
    can make.  Scores are carried with the units as labels are; where units meet, their scores are added.

    Args:
        model: the one of the other masks; left as it was.
        scores: over (layer, filter), larger is better to keep, of all units that the masked layers read.
        like: says how many connections of each layer are cut.

    Raises:
        InvalidInput: the other masks are of another model, or a masked layer reads units without a score.
    """
    connected, found = _connections(model, like), Dependencies(model)
    own = {path: np.array(group, float)[:, None] for path, group in scores.sort_index().groupby(level=0)}
    _check_scores(found, own)
    carried = carried_values(found, own, merge=np.add)
    masks = {}
    for path, mask in like.masks.items():
        worth = carried[connected[path].calls[0].inputs[0]][:, 0]
        if np.isnan(worth).any():
            raise InvalidInput(f"The scores {scores.name!r} say nothing of units that {path!r} reads.")
        units = connected[path].passages[0].reads
        masks[path] = _without_worst(units[connected[path].read], worth[connected[path].read], _cut(mask))
    return connection_masks(model, masks, whole=like.whole, origin=f"lowest {scores.name}, about {like.origin}")


def _connections(model: keras.Model, like: ConnectionMasks) -> dict[str, Connections]:
    like.check(model)
    return connections_of(Dependencies(model))


def _check_scores(found: Dependencies, own: dict[str, np.ndarray]) -> None:
    for path, values in own.items():
        units = found.cuts[path].units if path in found.cuts else "none"
        if units != len(values):
            raise InvalidInput(
                f"There are {len(values)} scores of {path!r}, and {found.model_name!r} has {units} units there."
            )


def _cut(mask: np.ndarray) -> int:
    return int((~mask).sum())


def _without_smallest(worth: np.ndarray, count: int) -> np.ndarray:
    """Mask without the `count` connections that are worth least."""
    keep = np.ones(worth.size, bool)
    keep[np.argsort(worth, axis=None, kind="stable")[:count]] = False
    return keep.reshape(worth.shape)


def _without_worst(units: np.ndarray, worth: np.ndarray, count: int) -> np.ndarray:
    """Mask without the units that are worth least, so many that about `count` connections go."""
    names, place, sizes = np.unique(units, return_inverse=True, return_counts=True)
    mean = np.bincount(place.ravel(), worth.ravel()) / sizes
    order = np.argsort(mean, kind="stable")
    gone = np.concatenate([[0], np.cumsum(sizes[order])])
    number = np.abs(gone - count).argmin()
    return ~np.isin(units, names[order[:number]])
