"""What is known of each unit, carried along with it to every tensor of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from fm_keras.models.graph import Call
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.pruning.surgery.layer_kinds import Kind, kind_of
from fm_keras.pruning.surgery.reshaping import reshaped_units

_KEEP_PLACES = (
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.UnitNormalization,
    keras.layers.RMSNormalization,
)
"""layers that work over units, but leave each in its place"""


def carried_values(
    found: Dependencies, own: Mapping[str, np.ndarray], *, merge: np.ufunc = np.maximum
) -> dict[int, np.ndarray]:
    """Values of the units in every channel of every tensor.

    A layer that makes new units gives them their own values.  BatchNorm, activations, pools, dropout and depthwise
    convolutions carry on those of what they read, concatenations put them side by side, adds and products merge them
    unit by unit.  Where what is read is unknown, a layer's own values count, if it has some.

    Args:
        found: of the model.
        own: (U, D) values of the units of some calls, by path.
        merge: how values of units that meet become one, element by element; it must keep NaN.

    Returns:
        By key of the tensor, (C, D) values of its channels, NaN where nothing is known.
    """
    size = next((values.shape[1] for values in own.values()), 1)
    carried = {key: _unknown(found, key, size) for key in found.graph.inputs}
    for call in found.graph.calls:
        for key in call.outputs:
            values = _unknown(found, key, size)
            passed = _passed(found, call, [carried[given] for given in call.inputs], merge)
            if passed is not None and passed.shape == values.shape:
                values = passed
            if call.path in own:
                values = np.where(np.isnan(values), own[call.path], values)
            carried[key] = values
    return carried


def _unknown(found: Dependencies, key: int, size: int) -> np.ndarray:
    return np.full((len(found.flow.carried[key].units), size), np.nan)


def _passed(found: Dependencies, call: Call, given: Sequence[np.ndarray], merge: np.ufunc) -> np.ndarray | None:
    """What a call carries on; None if its units are new, or no longer those of its input one by one."""
    kind = kind_of(call)
    if not isinstance(kind, Kind):
        return given[0] if isinstance(call.layer, _KEEP_PLACES) and _in_place(found, call) else None
    if kind.flow == "reshape":
        return _reshaped(found, call, given[0], merge)
    if kind.flow in ("mix", "grouped") or not _in_place(found, call):
        return None
    if kind.flow == "concatenate" and call.layer.axis % len(call.output_shapes[0]) == _axis(found, call.inputs[0]):
        return np.concatenate(given)
    if kind.flow == "depthwise":
        return np.repeat(given[0], len(found.flow.carried[call.outputs[0]].units) // len(given[0]), axis=0)
    return _merged(given, merge)


def _in_place(found: Dependencies, call: Call) -> bool:
    """Whether units stand along one axis in all that a call reads and puts out."""
    last = len(call.output_shapes[0]) - 1  # behind a global pool there is no other
    return all(min(_axis(found, key), last) == _axis(found, call.outputs[0]) for key in call.inputs)


def _axis(found: Dependencies, key: int) -> int:
    return found.flow.carried[key].axis


def _merged(given: Iterable[np.ndarray], merge: np.ufunc) -> np.ndarray:
    """Values unit by unit; those of a single channel are spread over all units."""
    merged, *others = given
    for values in others:
        merged = merge(merged, values)
    return merged


def _reshaped(found: Dependencies, call: Call, values: np.ndarray, merge: np.ufunc) -> np.ndarray | None:
    if None in (*call.input_shapes[0][1:], *call.output_shapes[0][1:]):
        return None
    _, channels, others = reshaped_units(call, np.arange(len(values)), _axis(found, call.inputs[0]))
    return merge.reduce(values[np.concatenate([channels[None], others])], axis=0)
