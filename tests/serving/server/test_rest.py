"""What the REST interface does besides the protocol: limits, time-outs, gzip, metrics, addresses."""

import gzip
import json
import shutil
import time

import pytest

from fm_keras.errors import InvalidInput

PREDICT = "/v1/models/toy:predict"
ROW = {"instances": [[1, 2, 3]]}


def counted(page, start):
    return [line for line in page.text.splitlines() if line.startswith(start)]


def test_a_body_that_says_it_is_too_large_is_refused_unread(toy_server, ask):
    answer = ask(toy_server, PREDICT, b"", headers={"Content-Length": str(2**20 + 1)})

    assert (answer.status, answer.error) == (413, "The request is larger than the 1,048,576 bytes that are taken.")


def test_a_body_that_turns_out_too_large_is_refused_and_the_server_stays_up(toy_server, ask):
    chunks = (b"1" * 2**16 for _ in range(17))

    host, port = toy_server.rest_url.removeprefix("http://").split(":")
    from http.client import HTTPConnection

    connection = HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", PREDICT, chunks, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    response = connection.getresponse()
    said = json.loads(response.read())
    connection.close()

    assert (response.status, list(said)) == (413, ["error"])
    assert ask(toy_server, PREDICT, ROW).status == 200


def test_a_body_may_be_zipped(toy_server, ask):
    body = gzip.compress(json.dumps(ROW).encode())

    assert ask(toy_server, PREDICT, body, headers={"Content-Encoding": "gzip"}).json == {"predictions": [[2, 4, 6]]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b" " * 2**21, mtime=0), 413),
        (gzip.compress(json.dumps(ROW).encode(), mtime=0)[:-9], 400),
        (b"no gzip", 400),
    ],
)
def test_a_zip_that_is_too_large_or_broken_is_refused(toy_server, ask, body, status):
    answer = ask(toy_server, PREDICT, body, headers={"Content-Encoding": "gzip"})

    assert (answer.status, list(answer.json)) == (status, ["error"])


def test_a_request_that_takes_too_long_is_a_504_and_others_are_answered_meanwhile(toy_server, ask):
    started = time.monotonic()
    answer = ask(toy_server, PREDICT, {"signature_name": "slow", "inputs": 10**8})

    assert (answer.status, list(answer.json)) == (504, ["error"])
    assert time.monotonic() - started < 20
    assert ask(toy_server, PREDICT, ROW).status == 200


def test_what_the_content_type_says_does_not_matter(toy_server, ask):
    assert ask(toy_server, PREDICT, ROW, headers={"Content-Type": "text/html"}).status == 200


def test_a_connection_is_kept_from_request_to_request(toy_server):
    from http.client import HTTPConnection

    host, port = toy_server.rest_url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=30)
    for _ in range(3):
        connection.request("POST", PREDICT, json.dumps(ROW))
        response = connection.getresponse()
        assert (response.status, response.headers["content-type"]) == (200, "application/json")
        response.read()
    connection.close()


def test_requests_are_counted_under_tensorflow_servings_names(toys, start, ask, tmp_path):
    shutil.copytree(toys / "1", tmp_path / "toy" / "1")
    with start(tmp_path) as server:
        for path in (PREDICT, PREDICT, "/v1/models/toy:regress", "/v1/models/nix:predict", "/v1/models/nux:predict"):
            ask(server, path, ROW)
        page = ask(server, server.metrics_path)

    assert server.metrics_path == "/monitoring/prometheus/metrics"
    assert counted(page, ":tensorflow:serving:request_count{") == [
        ':tensorflow:serving:request_count{model_name="toy",status="OK"} 2.0',
        ':tensorflow:serving:request_count{model_name="toy",status="INVALID_ARGUMENT"} 1.0',
        ':tensorflow:serving:request_count{model_name="unknown",status="NOT_FOUND"} 2.0',
    ]
    assert counted(page, ":tensorflow:serving:request_latency_count") == [
        ':tensorflow:serving:request_latency_count{API="Predict",entrypoint="REST",model_name="toy"} 2.0'
    ]


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("prometheus_config { enable: true path: '/metrics' }", "/metrics"),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ("prometheus_config { enable: false }", None),
        ("", None),
    ],
)
def test_the_config_says_where_the_metrics_are(start, ask, tmp_path, config, path):
    (tmp_path / "monitoring.config").write_text(config)

    server = start(tmp_path)

    assert server.metrics_path == path


def test_a_config_of_another_kind_is_one_line(start, tmp_path, message_of):
    (tmp_path / "monitoring.config").write_text("prometheus { }")
    assert "expected a MonitoringConfig as text" in message_of(start, tmp_path)

    (tmp_path / "monitoring.config").write_text("prometheus_config { enable: true path: 'metrics' }")
    assert "begins with a slash" in message_of(start, tmp_path)


def test_it_listens_on_this_machine_alone_unless_told_otherwise(toy_server):
    from fm_keras.settings import ServeSettings

    assert ServeSettings().host == "127.0.0.1"
    assert toy_server.rest_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("port", ["rest_port", "grpc_port"])
def test_a_port_that_is_taken_is_one_line_that_names_the_option(toy_server, start, tmp_path, port, capfd):
    taken = int((toy_server.rest_url if port == "rest_port" else toy_server.grpc_address).rpartition(":")[2])

    with (
        pytest.raises(InvalidInput, match=rf"cannot listen at 127.0.0.1:{taken}.* Choose another --{port[:4]}-port"),
        start(tmp_path, **{port: taken}),
    ):
        pass
    assert capfd.readouterr() == ("", "")


def test_a_host_that_is_not_this_machine_is_one_line_that_names_the_option(start, tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot listen at 192.0.2.1:0: .* Choose another --host"):
        with start(tmp_path, host="192.0.2.1"):
            pass


def test_no_folder_is_one_line(start, tmp_path, message_of):
    assert "there is no such folder" in message_of(start, tmp_path / "nix")


def test_an_empty_folder_is_served_until_a_model_comes(start, ask, tmp_path, host):
    with start(tmp_path) as server:
        assert ask(server, PREDICT, ROW).status == 404
        (tmp_path / "toy").mkdir()
        host(tmp_path / "toy", 3)
        deadline = time.monotonic() + 30
        while ask(server, "/v1/models/toy").status == 404 or not server.store.available()["toy"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)

        assert ask(server, PREDICT, ROW).json == {"predictions": [[3, 6, 9]]}


def test_models_that_keras_exported_are_hosted_too(toys, start, ask, tmp_path, rng):
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras exports with its TensorFlow backend")
    model = keras.Sequential([keras.Input((4,), name="pixels"), keras.layers.Dense(2)])
    model.export(tmp_path / "plain" / "7", verbose=False)
    x = rng.normal(size=(5, 4)).astype("float32")

    with start(tmp_path) as server:
        answer = ask(server, "/v1/models/plain:predict", {"instances": x.tolist()})

    assert answer.json["predictions"] == pytest.approx(model.predict(x, verbose=0), abs=1e-5)
