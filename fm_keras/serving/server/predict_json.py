"""The bodies of REST predict calls: rows (`instances`, `predictions`) and columns (`inputs`, `outputs`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fm_keras.serving.server.numbers_json import Numbers
from fm_keras.serving.server.servable import Signature
from fm_keras.serving.server.statuses import Code, RequestError, invalid
from fm_keras.serving.server.tensors_json import array_of, dump, is_bytes, json_of, quote

Form = Literal["instances", "inputs"]


@dataclass(frozen=True, eq=False)
class PredictCall:
    """What a predict call asks for."""

    form: Form
    inputs: Mapping[str, np.ndarray]


def signature_name(body: Mapping[str, Any]) -> str:
    """The signature that a call names; empty for the default one.

    Raises:
        RequestError: it is no string.
    """
    name = body.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {quote(body)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def read_predict(body: Mapping[str, Any], signature: Signature) -> PredictCall:
    """The arrays that a predict call sends.

    Args:
        body: {"instances": [...]} or {"inputs": ...}.
        signature: what is called.

    Raises:
        RequestError: neither key or both, or values that the signature does not take.
    """
    if not signature.inputs:
        raise invalid(f"Failed to get input map for signature: {signature.name}")
    if "instances" in body and "inputs" in body:
        raise invalid(
            f"JSON Value: {quote(body)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "instances" in body:
        rows = _numbers_or_lists(body["instances"], signature)
        if isinstance(rows, np.ndarray):
            return PredictCall("instances", {next(iter(signature.inputs)): rows})
        if not isinstance(rows, list):
            raise invalid(f"JSON Value: {quote(body)} Excepting 'instances' to be an list/array")
        if not rows:
            raise invalid(f"JSON Value: {quote(body)} No values in 'instances' array")
        return PredictCall("instances", _rows(rows, signature))
    if "inputs" in body:
        columns = _numbers_or_lists(body["inputs"], signature)
        if isinstance(columns, np.ndarray):
            return PredictCall("inputs", {next(iter(signature.inputs)): columns})
        return PredictCall("inputs", _columns(columns, signature))
    raise invalid("Missing 'inputs' or 'instances' key")


def write_predict(form: Form, outputs: Mapping[str, np.ndarray]) -> bytes:
    """The answer to a predict call, in the form of the call.

    Args:
        form: in which it was asked.
        outputs: arrays by name.

    Returns:
        JSON: one output bare, several as an object, in rows as a list of objects.

    Raises:
        RequestError: rows were asked for and an output has no first dimension, or another than the others.
    """
    if form == "inputs":
        columns = {name: json_of(array, as_bytes=_is_bytes_name(name)) for name, array in outputs.items()}
        return dump({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
    sizes = {}
    for name, array in outputs.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        sizes.setdefault(len(array), name)
    if len(sizes) > 1:
        expected, found = list(sizes)[:2]
        raise invalid(f"Tensor name: {sizes[found]} has inconsistent batch size: {found} expecting: {expected}")
    columns = {name: _split(name, array) for name, array in outputs.items()}
    if len(columns) == 1:
        return dump({"predictions": next(iter(columns.values()))})
    return dump({"predictions": [dict(zip(columns, row)) for row in zip(*columns.values())]})


def _numbers_or_lists(value: Any, signature: Signature) -> Any:
    """What `parse_numbers` found, as the array of the only input if that takes it, as lists if not."""
    if not isinstance(value, Numbers):
        return value
    spec, *others = signature.inputs.values()
    array = None if others else value.as_type(spec.dtype)
    return value.parsed.as_list() if array is None else array


def _split(name: str, array: np.ndarray) -> list:
    as_bytes = _is_bytes_name(name)
    whole = json_of(array, as_bytes=as_bytes)
    if isinstance(whole, list | np.ndarray):
        return list(whole)
    return [json_of(np.asarray(row), as_bytes=as_bytes) for row in array]


def _is_bytes_name(name: str) -> bool:
    return name.endswith("_bytes")


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_bytes(value)


def _rows(rows: list, signature: Signature) -> dict[str, np.ndarray]:
    named = _is_named(rows[0])
    if not isinstance(rows[0], dict) and len(signature.inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    for number, row in enumerate(rows):
        if _is_named(row) != named:
            found = "Expecting object but got list" if named else "Expecting value/list but got object"
            raise invalid(f"{found} at item {number} of input list")
    if not named:
        name = next(iter(signature.inputs))
        return {name: _column(rows, name, signature, "")}
    for number, row in enumerate(rows):
        if row.keys() != signature.inputs.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON object: {quote(row)} keys must be "
                f"equal to: {','.join(signature.inputs)}"
            )
    return {name: _column([row[name] for row in rows], name, signature, f" key: {name}") for name in signature.inputs}


def _column(values: list, name: str, signature: Signature, key: str) -> np.ndarray:
    """One input of all rows; where that fails, the first row that is to blame is looked for."""
    spec = signature.inputs[name]
    try:
        return array_of(values, spec)
    except RequestError as error:
        if error.code is not Code.INVALID_ARGUMENT:
            raise
        whole = error
    shape = None
    for number, value in enumerate(values):
        try:
            array = array_of(value, spec)
            shape = array.shape if shape is None else shape
            if array.shape != shape:
                raise invalid(f"Expecting shape {_words(shape)} but got: {_words(array.shape)}")
        except RequestError as error:
            raise invalid(
                f"Failed to process element: {number}{key} of 'instances' list. Error: {error.code.name}: {error}"
            ) from None
    raise whole


def _words(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _columns(value: Any, signature: Signature) -> dict[str, np.ndarray]:
    if not _is_named(value):
        if len(signature.inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        ((name, spec),) = signature.inputs.items()
        return {name: array_of(value, spec)}
    for name in signature.inputs:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: array_of(value[name], spec) for name, spec in signature.inputs.items()}
