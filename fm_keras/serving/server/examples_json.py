"""The bodies of REST classify and regress calls: features of tf.Examples, and the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fm_keras.serving.server.statuses import invalid
from fm_keras.serving.server.tensors_json import decoded, dump, is_bytes, json_of, quote, type_name

if TYPE_CHECKING:
    from tensorflow.core.example.example_pb2 import Example

_LARGEST_FLOAT = float(np.finfo(np.float32).max)
_INT64 = range(-(2**63), 2**63)


def read_examples(body: Mapping[str, Any]) -> list[bytes]:
    """The examples of a classify or regress call, each with the features of the call's `context`.

    Args:
        body: {"examples": [{feature: value or values}], "context": {feature: value or values}}.

    Returns:
        A serialized tf.Example each.

    Raises:
        RequestError: no examples, or values that a feature cannot hold.
    """
    context = _example(body["context"]).SerializeToString() if "context" in body else b""
    if "examples" not in body:
        raise invalid(
            f"JSON Value: {quote(body)} When method is classify, key 'examples' is expected and was not found"
        )
    examples = body["examples"]
    if not isinstance(examples, list):
        raise invalid(f"JSON Value: {quote(body)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {quote(body)} 'examples' value is an empty array")
    # Protobuf merges what stands behind one another: features of the example win over those of the context.
    return [context + _example(example).SerializeToString() for example in examples]


def write_classes(labels: np.ndarray | None, scores: np.ndarray | None) -> bytes:
    """The answer to a classify call: pairs of label and score.

    Args:
        labels: (N, L) bytes, or None for empty labels.
        scores: (N, L) float32, or None for zeros.
    """
    shape = (labels if scores is None else scores).shape
    words = json_of(np.full(shape, b"", object) if labels is None else labels)
    numbers = json_of(np.zeros(shape, np.float32) if scores is None else scores)
    if not isinstance(numbers, np.ndarray):
        numbers = [[json_of(np.asarray(score)) for score in row] for row in scores]
    return dump({"results": [list(map(list, zip(*pairs))) for pairs in zip(words, numbers)]})


def write_values(values: np.ndarray) -> bytes:
    """The answer to a regress call.

    Args:
        values: (N,) float32.
    """
    return dump({"results": json_of(values)})


def _example(features: Any) -> Example:
    from tensorflow.core.example.example_pb2 import Example

    if not isinstance(features, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(features)}")
    example = Example()
    for name, content in features.items():
        values = content if isinstance(content, list) else [content]
        found = [_feature_value(name, value) for value in values]
        kinds = [kind for kind, _ in found]
        if len(set(kinds)) > 1:
            kind = kinds[0].removesuffix("_list")
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {kind}")
        feature = example.features.feature[name]
        if kinds:
            getattr(feature, kinds[0]).value.extend(value for _, value in found)
    return example


def _feature_value(name: str, value: Any) -> tuple[str, Any]:
    """Which list of a feature a JSON value goes to, and as what."""
    if isinstance(value, bool):
        return "int64_list", int(value)
    if isinstance(value, int):
        if value not in _INT64:
            raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return "int64_list", value
    if isinstance(value, float):
        if np.isfinite(value) and abs(value) > _LARGEST_FLOAT:
            raise invalid(f"Cannot convert JSON value: {quote(value)} to float without loss of precision.")
        return "float_list", value
    if isinstance(value, str):
        return "bytes_list", value.encode("utf-8", "replace")
    if is_bytes(value):
        return "bytes_list", decoded(value)
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")
