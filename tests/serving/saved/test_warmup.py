import sys

import numpy as np
import pytest

from fm_keras.serving.saved.warmup import check_serving_api, replay_warmup, write_warmup

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow_serving")


def logs(file):
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    return [PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]


def test_an_export_has_one_request_for_every_signature_as_the_server_reads_them(served, loaded):
    found = logs(served / "tiny" / "1" / "assets.extra" / "tf_serving_warmup_requests")

    kinds = {
        (log.classify_log if log.HasField("classify_log") else log.predict_log).request.model_spec.signature_name: log
        for log in found
    }
    assert len(found) == len(kinds) and set(kinds) == set(loaded.signatures)
    assert kinds["classify"].HasField("classify_log")
    assert all(log.HasField("predict_log") for name, log in kinds.items() if name != "classify")
    specs = [(log.predict_log if log.HasField("predict_log") else log.classify_log).request.model_spec for log in found]
    assert {spec.name for spec in specs} == {"tiny"}


def test_every_request_can_be_replayed(served, loaded):
    file = served / "tiny" / "1" / "assets.extra" / "tf_serving_warmup_requests"

    assert sorted(replay_warmup(file, loaded)) == sorted(loaded.signatures)


def test_a_request_that_fails_is_found_when_it_is_replayed(loaded, tmp_path):
    file = write_warmup(tmp_path, "tiny", {"image_bytes": {"image_bytes": np.array([b"no picture"], object)}})

    with pytest.raises(Exception, match="image"):
        replay_warmup(file, loaded)


def test_without_the_protocol_it_says_what_to_install(monkeypatch, message_of):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis.prediction_log_pb2", None)

    assert "pip install 'fm-keras[serve]'" in message_of(check_serving_api)
