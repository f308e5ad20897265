"""Arrays as short JSON, for requests of many pixels.  NumPy alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

import numpy as np

from fm_keras.errors import InvalidInput

Tensor = np.ndarray | Sequence
"""numbers, strings, bytes, or a list of bytes"""


def dump_tensors(tensors: Mapping[str, Tensor], *, examples: bool = False) -> str:
    """A JSON object of tensors by name.

    Args:
        tensors: what `dump_tensor` takes.
        examples: they are features of a tf.Example, where a number without a point is no float.
    """
    parts = (f"{json.dumps(name)}:{dump_tensor(tensor, points=examples)}" for name, tensor in tensors.items())
    return f"{{{','.join(parts)}}}"


def dump_tensor(tensor: Tensor, *, points: bool = False) -> str:
    """A tensor as JSON in as few letters as say it exactly.

    Whole numbers are written without a point, others with the digits that tell float32 apart, which is what models
    take: half of what json.dumps writes.  Bytes become the {"b64": ...} of TensorFlow Serving.

    Args:
        tensor: numbers, strings, bytes or a list of bytes.
        points: whether whole numbers of a floating-point type are written with a point.

    Raises:
        InvalidInput: NaN, infinity, or values of another type.
    """
    if isinstance(tensor, bytes):
        return json.dumps({"b64": base64.b64encode(tensor).decode()})
    if isinstance(tensor, Sequence) and any(isinstance(part, bytes) for part in tensor):
        return f"[{','.join(map(dump_tensor, tensor))}]"
    values = np.asarray(tensor)
    if values.dtype.kind in "Ubiu":
        return _compact(values)
    if values.dtype.kind != "f":
        raise InvalidInput(f"Numbers, strings and bytes can be sent; these are {values.dtype}.")
    if not np.isfinite(values).all():
        raise InvalidInput("Only finite numbers can be sent; among these are NaN or infinity.")
    if not points and (values == np.rint(values)).all() and np.abs(values).max(initial=0) < 2**53:
        return _compact(values.astype(int))
    return _compact(values.astype(np.float32).astype("U16")).replace('"', "")


def _compact(values: np.ndarray) -> str:
    return json.dumps(values.tolist(), separators=(",", ":"), ensure_ascii=False)
