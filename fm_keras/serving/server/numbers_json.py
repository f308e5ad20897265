"""Predict calls of nothing but numbers, such as images: from text to one array, without an object for each number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import simdjson

from fm_keras.serving.server.tensors_json import LARGEST_EXACT

_NUMBERS_AND_SPACE = b"0123456789+-.eE \t\r\n"
_SMALLEST = 2**12  # bytes; below this an object for each number takes no longer


@dataclass(frozen=True, eq=False)
class Numbers:
    """Nested lists of numbers, all lists of one level of the same length."""

    parsed: simdjson.Array
    array: np.ndarray
    """the same in float64"""

    def as_type(self, dtype: np.dtype) -> np.ndarray | None:
        """The array in a floating type, if that takes every number as it is."""
        largest = LARGEST_EXACT.get(dtype)
        exact = largest is not None and -largest <= self.array.min() and self.array.max() <= largest
        return self.array.astype(dtype) if exact else None


def parse_numbers(body: bytes) -> dict[str, Any] | None:
    """The object that a predict call's body holds, if it is large and its values are all numbers.

    Args:
        body: {"instances": [...]} or {"inputs": [...]}, perhaps with a signature_name.

    Returns:
        The lists as `Numbers`; None for any other body, whether right or wrong.
    """
    if len(body) < _SMALLEST:
        return None
    try:
        content = simdjson.Parser().parse(body)
        if not isinstance(content, simdjson.Object) or len(set(content)) < len(content):
            return None
        found = {key: content[key] for key in content}
        name = found.pop("signature_name", "")
        if len(found) != 1 or not isinstance(name, str):
            return None
        ((form, value),) = found.items()
        array = _array(value, body) if form in ("instances", "inputs") else None
    except (ValueError, TypeError, RuntimeError):
        return None
    return None if array is None else {"signature_name": name, form: Numbers(value, array)}


def _array(value: Any, body: bytes) -> np.ndarray | None:
    shape, first = [], value
    while isinstance(first, simdjson.Array) and len(first):
        shape.append(len(first))
        first = first[0]
    if not shape or not isinstance(first, int | float):
        return None
    array = np.frombuffer(value.as_buffer(of_type="d"))
    if array.size != prod(shape):
        return None
    # The buffer says nothing of inner lists: the commas and brackets of the text show whether they are as expected.
    structure = body.translate(None, _NUMBERS_AND_SPACE)
    expected = reduce(lambda inner, size: b"[%b]" % b",".join([inner] * size), reversed(shape), b"")
    same = structure.startswith(expected, structure.find(b"[")) and structure.count(b"[") == expected.count(b"[")
    return array.reshape(shape) if same else None
