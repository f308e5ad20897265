"""JSON values as arrays of a signature's types, and arrays as JSON, by the rules of TensorFlow Serving.

Numbers go from nested lists to arrays in one step.  Whatever that step cannot be sure of (strings, numbers that may
not fit, ragged lists, true among numbers) is looked at value by value, which also finds the words for an error.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import orjson

from fm_keras.serving.server.servable import TensorSpec
from fm_keras.serving.server.statuses import Code, RequestError, invalid

_JSON_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_NOT_JSON = (b"NaN", b"Inf")
_LONGEST_QUOTE = 200
_MOST_DIMENSIONS = 64  # of an array in NumPy
LARGEST_EXACT = {np.dtype(np.float32): 2**24 - 1, np.dtype(np.float64): 2**53 - 1}
_TYPE_NAMES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse_body(body: bytes) -> dict[str, Any]:
    """The object that a request's body holds.

    NaN, Infinity and -Infinity are numbers, as in TensorFlow Serving.

    Raises:
        RequestError: no JSON, or no object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        content = json.loads(body) if any(word in body for word in _NOT_JSON) else orjson.loads(body)
    except RecursionError:
        raise invalid("JSON Parse error: nested too deeply") from None
    except ValueError as error:
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(content, dict):
        raise invalid(f"JSON Value: {quote(content)} Is not object")
    return content


def array_of(value: Any, spec: TensorSpec) -> np.ndarray:
    """A JSON value as an array of the signature's type; its shape is that of the value.

    Args:
        value: a number, string, {"b64": ...} or nested lists of such.
        spec: what the signature takes.

    Raises:
        RequestError: another type, a number that does not fit, lists of different lengths.
    """
    if spec.dtype.kind not in "iufOb":
        raise RequestError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {quote(value)} to type: {spec.type_name}")
    found = _array_at_once(value, spec.dtype)
    return _array_by_value(value, spec) if found is None else found


def json_of(array: np.ndarray, *, as_bytes: bool = False) -> Any:
    """An array as what `dump` writes: floats with the digits they need, NaN and Infinity by these words.

    Args:
        array: what a signature gave.
        as_bytes: write strings as {"b64": ...}.

    Raises:
        RequestError: a type that JSON has no words for.
    """
    if array.dtype.kind == "O":
        return _strings(array, as_bytes)
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.kind not in "iufb":
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return orjson.Fragment(_with_words(array))
    return np.ascontiguousarray(array) if array.ndim else array[()]


def dump(answer: Any) -> bytes:
    """JSON of an answer whose arrays went through `json_of`."""
    return orjson.dumps(answer, option=_JSON_OPTIONS)


def is_bytes(value: Any) -> bool:
    """Whether a value is {"b64": "..."}."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def decoded(value: dict[str, str]) -> bytes:
    """The bytes of {"b64": "..."}, of the usual or the URL-safe alphabet, padded or not."""
    text = value["b64"].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def quote(value: Any) -> str:
    """A value for an error, the beginning of it if it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return f"{type_name(value)} (nested deeply)"
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def type_name(value: Any) -> str:
    """The name of a JSON value's type in TensorFlow Serving's errors."""
    return str(value) if isinstance(value, bool) else _TYPE_NAMES[type(value)]


def _array_at_once(value: Any, dtype: np.dtype) -> np.ndarray | None:
    """The array, if that is certain to be what going value by value gives."""
    flat = _flatten(value)
    if flat is None:
        return None
    values, shape, types = flat
    if dtype.kind == "b" and types == {bool}:
        return np.array(values, bool).reshape(shape)
    if dtype.kind in "iu" and types == {int}:
        limits = np.iinfo(dtype)
        exact = limits.min <= min(values) and max(values) <= limits.max
        return np.array(values, dtype).reshape(shape) if exact else None
    if dtype.kind == "f" and types and types <= {int, float}:
        try:
            array = np.fromiter(values, np.float64, len(values))
        except OverflowError:
            return None
        exact = bool((np.abs(array) <= LARGEST_EXACT.get(dtype, 0)).all())
        return array.astype(dtype).reshape(shape) if exact else None
    return None


def _flatten(value: Any) -> tuple[list, list[int], set[type]] | None:
    """The values of nested lists, their shape and their types; None where lists differ in length or depth."""
    values, shape, types = [value], [], {type(value)}
    while types == {list} and len(shape) < _MOST_DIMENSIONS:
        lengths = set(map(len, values))
        if len(lengths) > 1:
            return None
        shape.extend(lengths)
        values = list(chain.from_iterable(values))
        types = set(map(type, values))
    return None if list in types else (values, shape, types)


def _array_by_value(value: Any, spec: TensorSpec) -> np.ndarray:
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MOST_DIMENSIONS:
        raise invalid(f"Encountered lists {len(shape)} levels deep; a tensor has at most {_MOST_DIMENSIONS} dimensions")
    convert = _converter(spec)
    values = [convert(leaf) for leaf in _leaves(value, 0, tuple(shape))]
    array = np.empty(len(values), spec.dtype)
    array[:] = values
    return array.reshape(shape)


def _leaves(value: Any, level: int, shape: tuple[int, ...]) -> Iterator[Any]:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {quote(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        yield value
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for part in value:
        yield from _leaves(part, level + 1, shape)


def _converter(spec: TensorSpec) -> Callable[[Any], Any]:
    """What turns one JSON value into one of the signature's type."""
    dtype = spec.dtype

    def wrong(value: Any) -> RequestError:
        return invalid(f"JSON Value: {quote(value)} Type: {type_name(value)} is not of expected type: {spec.type_name}")

    def string(value: Any) -> bytes:
        if isinstance(value, dict):
            if not is_bytes(value):
                raise invalid(f"JSON Value: {quote(value)} not formatted correctly for base64 data")
            return decoded(value)
        if not isinstance(value, str):
            raise wrong(value)
        return value.encode("utf-8", "replace")

    def number(value: Any) -> float:
        if type(value) not in (int, float):
            raise wrong(value)
        if not fits(value):
            raise invalid(f"Cannot convert JSON value: {quote(value)} to {spec.type_name} without loss of precision.")
        return value

    def fits(value: float) -> bool:
        if isinstance(value, int) and dtype in LARGEST_EXACT:
            return abs(value) <= LARGEST_EXACT[dtype]
        return value != value or value in (np.inf, -np.inf) or abs(value) <= float(np.finfo(dtype).max)

    def integer(value: Any) -> int:
        if type(value) is not int or not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            raise wrong(value)
        return value

    def boolean(value: Any) -> bool:
        if not isinstance(value, bool):
            raise wrong(value)
        return value

    return {"O": string, "f": number, "i": integer, "u": integer, "b": boolean}[dtype.kind]


def _strings(array: np.ndarray, as_bytes: bool) -> Any:
    def word(value: bytes) -> Any:
        if as_bytes:
            return {"b64": base64.b64encode(value).decode("ascii")}
        return value.decode("utf-8", "replace")

    def words(values: Any) -> Any:
        return [words(value) for value in values] if isinstance(values, list) else word(values)

    return words(array.tolist())


def _with_words(array: np.ndarray) -> bytes:
    """JSON of floats among which some are NaN or infinite: orjson writes null for them, in order."""
    missing = array[~np.isfinite(array)]
    words = [b"NaN" if np.isnan(value) else b"Infinity" if value > 0 else b"-Infinity" for value in missing]
    plain = np.ascontiguousarray(array) if array.ndim else array[()]
    between = orjson.dumps(plain, option=_JSON_OPTIONS).split(b"null")
    return b"".join(part + word for part, word in zip(between, [*words, b""]))
