"""Versions that bring warm-up requests along, and folders that hold no whole SavedModel."""

import shutil

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")

ROW = np.array([[1, 2, 3]], np.float32)


def predict_request(signature="", **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def warm_up(folder, *logs):
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def predict_log(request):
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def test_warm_up_requests_are_answered_before_a_version_is_available(toys, tmp_path):
    from fm_keras.serving.server.replay import load_warm

    folder = shutil.copytree(toys / "1", tmp_path / "1")
    warm_up(
        folder, predict_log(predict_request(x=ROW)), predict_log(predict_request("text", s=np.array([b"a"], object)))
    )

    servable = load_warm(folder, "toy", 1, timeout=30)

    assert servable._callable.cache_info().currsize == 2
    servable.close()


def test_a_warm_up_request_that_fails_keeps_the_version_from_loading(toys, start, tmp_path, ask, host):
    host(tmp_path, 1)
    folder = shutil.copytree(toys / "2", tmp_path / ".2")
    warm_up(folder, predict_log(predict_request("gather", index=np.int32([9]))))
    folder.rename(tmp_path / "2")

    with start(tmp_path) as server:
        (status,) = ask(server, f"/v1/models/{tmp_path.name}").json["model_version_status"]

    assert (status["version"], status["state"], status["status"]["error_code"]) == ("2", "END", "INVALID_ARGUMENT")
    assert "is not in [0, 2)" in status["status"]["error_message"]


def test_a_file_of_warm_up_requests_that_is_none_keeps_the_version_from_loading(toys, tmp_path):
    from fm_keras.serving.server.replay import load_warm
    from fm_keras.serving.server.statuses import RequestError

    folder = shutil.copytree(toys / "1", tmp_path / "1")
    warm_up(folder)
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no records" * 9)

    with pytest.raises(RequestError, match="verify your warmup data is in TFRecord format"):
        load_warm(folder, "toy", 1, timeout=30)


@pytest.mark.parametrize("damage", ["empty", "no graph", "no weights"])
def test_a_folder_without_a_whole_savedmodel_is_refused(toys, tmp_path, damage):
    from fm_keras.serving.server.servable import Servable
    from fm_keras.serving.server.statuses import RequestError

    folder = tmp_path / "1"
    folder.mkdir() if damage == "empty" else shutil.copytree(toys / "1", folder)
    if damage == "no graph":
        (folder / "saved_model.pb").write_bytes(b"none")
    if damage == "no weights":
        shutil.rmtree(folder / "variables")

    with pytest.raises(RequestError):
        Servable(folder, "toy", 1, 30)
