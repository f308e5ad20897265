"""Masks that hold while a model is trained, and the plain model afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from fm_keras.errors import InvalidInput
from fm_keras.models.constraints import KeepMask
from fm_keras.models.graph import walk
from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.masks.connections import CONSTRAINT_OF, check_masks, connections_of
from fm_keras.pruning.surgery.copies import copy_model
from fm_keras.pruning.surgery.dependencies import Dependencies


def hold_masks(model: keras.Model, masks: ConnectionMasks) -> keras.Model:
    """A copy of a model in which masked connections are zero, and stay zero after every step of an optimizer.

    Masked kernels get the constraint `fm_keras.models.constraints.KeepMask`, behind the one that they had.  Compile
    and fit the copy, or let `fm_keras.training.train_model` do it; then `release_masks`.  Saved in between, it is read
    by `fm_keras.models.load_model`.

    Args:
        model: the one that the masks were made for; left as it was.
        masks: which connections stay.

    Returns:
        Model with the same layers, weights and trainable flags, not compiled.

    Raises:
        InvalidInput: the masks were made for another model, or do not fit.
        CannotCut: a layer cannot be made again from its config.
    """
    masks.check(model)
    connected = connections_of(Dependencies(model))
    changes = {}
    for path, mask in masks.masks.items():
        each = connected[path]
        constraint = KeepMask(each.oriented(mask), getattr(each.layer, each.constraint))
        changes[id(each.layer)] = {each.constraint: keras.constraints.serialize(constraint)}
    # Keras applies the constraint that a variable was made with, and saves the one in the config: this sets both.
    held = copy_model(model, changes=lambda layer: changes.get(id(layer), {}))
    for _, kernel, constraint in _held(held):
        kernel.assign(constraint.masked(kernel))
    return held


def verify_masks(model: keras.Model, masks: ConnectionMasks) -> None:
    """Refuse a model in which a weight of a masked connection is not zero.

    Args:
        model: any with the layers that were masked, for example the held model after training.
        masks: which connections stay.

    Raises:
        InvalidInput: weights that are not zero, or masks that do not fit the model.
    """
    connected = connections_of(Dependencies(model))
    check_masks(model, connected, masks.masks)
    for path, mask in masks.masks.items():
        _check_zero(path, connected[path].slices()[:, ~mask])


def release_masks(model: keras.Model) -> keras.Model:
    """A copy of a held model without the constraints of masks: it loads anywhere, without fm_keras.

    Args:
        model: from `hold_masks`, trained or not; left as it was.

    Returns:
        Model with the same layers, weights and trainable flags, not compiled.  Constraints of the user's own are back.

    Raises:
        InvalidInput: a weight of a masked connection is not zero, as after `load_weights`, or after a training with
            `use_ema=True`, whose averages are taken before constraints act.
        CannotCut: a layer cannot be made again from its config.
    """
    for path, kernel, constraint in _held(model):
        _check_zero(path, ops.convert_to_numpy(kernel)[..., ~constraint.mask])

    def released(layer: keras.Operation) -> dict:
        found = {entry: getattr(layer, entry, None) for entry in CONSTRAINT_OF.values()}
        return {
            entry: keras.constraints.serialize(_own(constraint))
            for entry, constraint in found.items()
            if isinstance(constraint, KeepMask)
        }

    return copy_model(model, changes=released)


def _held(model: keras.Model) -> Iterator[tuple[str, keras.Variable, KeepMask]]:
    """Path, kernel and constraint of every call whose kernel is masked."""
    for call in walk(model).calls:
        for weight, entry in CONSTRAINT_OF.items():
            constraint = getattr(call.layer, entry, None)
            if isinstance(constraint, KeepMask):
                yield call.path, getattr(call.layer, weight), constraint


def _own(constraint: keras.constraints.Constraint | None) -> keras.constraints.Constraint | None:
    """The user's constraint behind those of masks."""
    while isinstance(constraint, KeepMask):
        constraint = constraint.first
    return constraint


def _check_zero(path: str, weights: np.ndarray) -> None:
    wrong = np.count_nonzero(weights)
    if wrong:
        raise InvalidInput(
            f"{wrong:,} of {weights.size:,} masked weights of {path!r} are not zero, up to "
            f"{np.abs(weights).max():.3g}: train the model from hold_masks, whose constraints keep them zero."
        )
