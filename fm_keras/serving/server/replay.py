"""Warm-up: the requests that a SavedModel brings along are answered before anybody else's."""

from __future__ import annotations

from pathlib import Path

from fm_keras.serving.server.messages import answer_classify, answer_predict, answer_regress
from fm_keras.serving.server.servable import Servable
from fm_keras.serving.server.statuses import Code, RequestError, invalid

RECORDS = Path("assets.extra", "tf_serving_warmup_requests")
MOST_RECORDS = 1000
_ANSWERS = {"predict_log": answer_predict, "classify_log": answer_classify, "regress_log": answer_regress}


def load_warm(path: Path, name: str, version: int, *, timeout: float) -> Servable:
    """Load a version and answer its warm-up requests.

    Args:
        path: folder with `saved_model.pb`.
        name: of the model.
        version: its number.
        timeout: seconds that a run may take.

    Raises:
        RequestError: it cannot be loaded, or one of the requests fails.
    """
    servable = Servable(path, name, version, timeout)
    try:
        _replay(servable, path / RECORDS)
    except RequestError:
        servable.close()
        raise
    return servable


def _replay(servable: Servable, file: Path) -> None:
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    if not file.exists():
        return
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(file)).as_numpy_iterator()):
            if number == MOST_RECORDS:
                raise invalid(f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) at {file}")
            _answer(servable, PredictionLog.FromString(record))
    except DecodeError:
        raise invalid(f"Failed to parse warmup record from {file}") from None
    except tf.errors.DataLossError as error:
        message = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise RequestError(Code.DATA_LOSS, message) from None


def _answer(servable: Servable, log: object) -> None:
    kind = log.WhichOneof("log_type")
    if kind in _ANSWERS:
        _ANSWERS[kind](servable, getattr(log, kind).request)
    elif kind is not None:
        raise RequestError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
