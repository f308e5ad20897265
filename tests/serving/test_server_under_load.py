"""Many requests at once, while versions change and while the server stops: none lost, none wrong."""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import numpy as np
import pytest

grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
pytest.importorskip("tensorflow_serving")

PREDICT = "/v1/models/toy:predict"


def post(server, body):
    host, port = server.rest_url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request("POST", PREDICT, json.dumps(body))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def grpc_predict(stub, row):
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    request = PredictRequest()
    request.model_spec.name = "toy"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([row])))
    response = stub.Predict(request, timeout=60)
    return response.model_spec.version.value, tf.make_ndarray(response.outputs["y"])[0].tolist()


def test_while_a_new_version_appears_200_requests_at_once_are_all_answered_rightly(toys, start, tmp_path, host):
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    (tmp_path / "toy").mkdir()
    host(tmp_path / "toy", 1)
    done = threading.Event()

    with start(tmp_path) as server, grpc.insecure_channel(server.grpc_address) as channel:
        stub = PredictionServiceStub(channel)

        def ask(number):
            answers = []
            while not (done.is_set() and answers):
                row = [float(number), float(len(answers)), 1.0]
                if number % 2:
                    status, body = post(server, {"instances": [row]})
                    answers.append((row, status, body.get("predictions", [body])[0]))
                else:
                    version, values = grpc_predict(stub, row)
                    assert values == [version * each for each in row]
                    answers.append((row, 200, values))
            return answers

        with ThreadPoolExecutor(200) as crowd:
            asked = [crowd.submit(ask, number) for number in range(200)]
            host(tmp_path / "toy", 2)
            deadline = time.monotonic() + 60
            while server.store.available()["toy"] != [2] and time.monotonic() < deadline:
                time.sleep(0.01)
            done.set()
            answers = [answer for one in asked for answer in one.result()]
        states = {version.number: version.state.name for version in server.store.versions("toy")}

    factors = set()
    for row, status, values in answers:
        assert status == 200
        factor = values[2]
        assert values == [factor * each for each in row]
        factors.add(factor)
    assert len(answers) >= 200
    assert factors <= {1.0, 2.0} and 1.0 in factors
    assert states == {2: "AVAILABLE", 1: "END"}


def test_an_old_version_finishes_its_requests_before_it_is_unloaded(toys, start, tmp_path, host):
    (tmp_path / "toy").mkdir()
    host(tmp_path / "toy", 1)
    with start(tmp_path, poll=60) as server, ThreadPoolExecutor(1) as other:
        slow = other.submit(post, server, {"signature_name": "slow", "inputs": 30_000})
        old = server.store.versions("toy")[0]
        while not old.lent:
            time.sleep(0.001)
        host(tmp_path / "toy", 2)
        server.store.poll()

        assert (old.state.name, slow.done()) == ("UNLOADING", False)
        assert post(server, {"instances": [[1, 2, 3]]}) == (200, {"predictions": [[2, 4, 6]]})
        assert slow.result()[0] == 200
        assert old.state.name == "END"


def test_when_it_stops_requests_in_flight_are_answered_and_new_ones_are_not(toys, start, tmp_path):
    shutil.copytree(toys / "1", tmp_path / "toy" / "1")
    with ThreadPoolExecutor(1) as other:
        with start(tmp_path) as server:
            slow = other.submit(post, server, {"signature_name": "slow", "inputs": 30_000})
            while not server.store.versions("toy")[0].lent:
                time.sleep(0.001)
        assert slow.done() and slow.result()[0] == 200

    with pytest.raises(ConnectionError):
        post(server, {"instances": [[1, 2, 3]]})
    assert server.store.available() == {"toy": []}


def test_no_thread_is_left_behind(start, tmp_path):
    before = set(threading.enumerate())
    with start(tmp_path):
        pass
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]

    assert [name for name in left if name in ("rest", "poll")] == []
