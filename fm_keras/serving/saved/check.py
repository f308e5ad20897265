"""Whether an export that was read again answers as Python does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fm_keras.errors import ExportFailed
from fm_keras.serving.saved.predictions import IMAGE_BYTES
from fm_keras.serving.saved.python_answers import Answer, PythonAnswers
from fm_keras.serving.saved.requests import Request
from fm_keras.serving.saved.signatures import CLASSIFY

_TOLERANCE = 1e-5
_WRAPPED = {CLASSIFY: "scores", IMAGE_BYTES: "probabilities"}  # the images of serving_default in another form


def check_export(loaded: Any, requests: Mapping[str, Request], python: PythonAnswers) -> None:
    """Call every signature of an export, and compare with what Python says.

    Args:
        loaded: what `tf.saved_model.load` gave.
        requests: by signature.
        python: the network and its analysis.

    Raises:
        ExportFailed: an answer differs by more than 1e-5 of the largest number, or is not finite.
    """
    for signature, request in requests.items():
        answer = call(loaded, signature, request)
        _check_form(signature, answer, rows=len(next(iter(request.values()))))
        if signature in _WRAPPED:
            plain = python.serving_default(requests["serving_default"])
            _compare(signature, "probabilities", answer[_WRAPPED[signature]], plain["probabilities"])
            continue
        valid = python.valid(request)
        _compare(signature, "valid", answer.get("valid", valid), valid)
        expected = getattr(python, signature)({name: values[valid] for name, values in request.items()})
        for output, values in expected.items():
            _compare(signature, output, answer[output][valid], values)


def call(loaded: Any, signature: str, request: Request) -> Answer:
    """The answer of one signature of a SavedModel that was read."""
    import tensorflow as tf

    answer = loaded.signatures[signature](**{name: tf.constant(values) for name, values in request.items()})
    return {name: values.numpy() for name, values in answer.items()}


def _check_form(signature: str, answer: Answer, rows: int) -> None:
    for output, values in answer.items():
        if len(values) != rows:
            raise ExportFailed(f"{signature} gives {len(values)} rows of {output} for {rows}. Please report this.")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ExportFailed(f"{signature} gives {output} that are NaN or infinite. Look for diverged weights.")


def _compare(signature: str, output: str, answered: np.ndarray, expected: np.ndarray) -> None:
    """Raise ExportFailed unless both are equal to 1e-5 of the largest number."""
    if answered.shape[1:] != expected.shape[1:]:  # shares of more filters than were asked for
        answered = answered[:, : expected.shape[1]]
    if expected.dtype.kind == "f":
        if not np.isfinite(expected).all():
            raise ExportFailed(f"{signature} has {output} that are NaN or infinite. Look for diverged weights.")
        most = _TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0)))
        same = np.allclose(answered, expected, rtol=0, atol=most)
    else:
        same = np.array_equal(answered, expected)
    if not same:
        raise ExportFailed(
            f"{signature} gives other {output} than Python does. A layer may act otherwise each time it is called, "
            "or in a graph: make it deterministic."
        )
