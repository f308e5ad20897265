"""What surgery saved, layer by layer."""

from __future__ import annotations

import keras
import pandas as pd

from fm_keras.errors import InvalidInput
from fm_keras.models.graph import Call, walk
from fm_keras.models.operations import call_operations


def removal_effect(whole: keras.Model, pruned: keras.Model) -> pd.DataFrame:
    """Multiply-accumulates and parameters before and after.

    Args:
        whole: the model before.
        pruned: the model that surgery made of it: the same calls in the same order.

    Returns:
        One row per call of a layer with weights or operations.
        layer: its path in the whole model.
        macs, macs_kept: multiply-accumulates for one image; missing where images have no fixed size.
        params, params_kept: weights; those of a shared layer count at its first call.
    """
    rows, seen = [], set()
    for before, after in zip(walk(whole).calls, walk(pruned).calls):
        params = [0, 0] if id(before.layer) in seen else [_params(before), _params(after)]
        row = (before.path, _macs(before), _macs(after), *params)
        seen.add(id(before.layer))
        if any(value != 0 for value in row[1:]):
            rows.append(row)
    table = pd.DataFrame(rows, columns=["layer", "macs", "macs_kept", "params", "params_kept"])
    return table.astype({"macs": "Int64", "macs_kept": "Int64"})


def _macs(call: Call) -> int | None:
    try:
        return call_operations(call)
    except InvalidInput:
        return None


def _params(call: Call) -> int:
    return call.layer.count_params() if isinstance(call.layer, keras.Layer) else 0
