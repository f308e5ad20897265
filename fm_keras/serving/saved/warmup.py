"""Warm-up requests that a server replays before a version takes traffic.

One that fails keeps the whole version from being served, so each is replayed before the version is shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fm_keras.errors import InvalidInput
from fm_keras.serving.saved.check import call
from fm_keras.serving.saved.requests import Request
from fm_keras.serving.saved.signatures import CLASSIFY

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(folder: Path, name: str, requests: Mapping[str, Request]) -> Path:
    """Write one warm-up request for each signature.

    Args:
        folder: of the version.
        name: of the model on the server.
        requests: by signature.

    Returns:
        The file, a TFRecord of PredictionLog.
    """
    import tensorflow as tf

    file = folder / WARMUP_FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature, request in requests.items():
            writer.write(_log(name, signature, request).SerializeToString())
    return file


def replay_warmup(file: Path, loaded: Any) -> list[str]:
    """Put every recorded request to a SavedModel that was read, as a server does.

    Returns:
        The signatures that were called, in order.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    called = []
    for record in tf.data.TFRecordDataset(str(file)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        signature, request = _request(log)
        call(loaded, signature, request)
        called.append(signature)
    return called


def check_serving_api() -> None:
    """Refuse to export where the protocol of TensorFlow Serving is not installed.

    Raises:
        InvalidInput: says what to install.
    """
    try:
        import tensorflow_serving.apis.prediction_log_pb2  # noqa: F401
    except ImportError:
        raise InvalidInput(
            "An export needs the package tensorflow-serving-api. Install it: pip install 'fm-keras[serve]'."
        ) from None


def _log(name: str, signature: str, request: Request) -> Any:
    """PredictionLog of one request."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    if signature == CLASSIFY:
        asked = log.classify_log.request
        examples = asked.input.example_list.examples
        examples.extend(tf.train.Example.FromString(each) for each in request["inputs"])
    else:
        asked = log.predict_log.request
        for each, values in request.items():
            asked.inputs[each].CopyFrom(tf.make_tensor_proto(values))
    asked.model_spec.name, asked.model_spec.signature_name = name, signature
    return log


def _request(log: Any) -> tuple[str, Request]:
    """Signature and arrays of a PredictionLog."""
    import numpy as np
    import tensorflow as tf

    if log.HasField("classify_log"):
        asked = log.classify_log.request
        examples = [each.SerializeToString() for each in asked.input.example_list.examples]
        return asked.model_spec.signature_name, {"inputs": np.array(examples, object)}
    asked = log.predict_log.request
    return asked.model_spec.signature_name, {name: tf.make_ndarray(each) for name, each in asked.inputs.items()}
