"""The client against a small server that answers as TensorFlow Serving does, from tables known here."""

import base64
import json
import math
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from fm_keras.errors import InvalidInput, ServerError
from fm_keras.serving.client.answers import ModelVersion, Predictions, TensorInfo, TopFilter
from fm_keras.serving.client.client import Client

LABELS = ["cat", "dog", "ship"]
OUTPUTS = ["Cat", "Dog", "Ship"]
LAYERS = ["conv1", "block/conv2"]
UNITS = [4, 300]
PIXELS = (2, 2, 1)


class Signatures:
    """What the model answers in the column form: a method a signature, its arguments the inputs."""

    def serving_default(self, image):
        logits = np.reshape(image, (len(image), -1))[:, :3] / 2.0
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return {"probabilities": shares, "logits": logits, "label": logits.argmax(axis=1)}

    def image_bytes(self, image_bytes):
        return self.serving_default([list(base64.b64decode(content["b64"])) for content in image_bytes])

    def layer_predictions(self, image, layer_index):
        logits = self.serving_default(image)["logits"] + np.array(layer_index)[:, None]
        return {"logits": logits, "valid": [True] * len(image)}

    def filter_response(self, image, layer_index, filter_index):
        field = self.serving_default(image)["logits"] + np.array([10 * np.array(layer_index) + filter_index]).T
        return {"field": field, "valid": [number < 256 for number in filter_index]}

    def filter_field(self, layer_index, filter_index):
        return {"field": [field(layer, number) for layer, number in zip(layer_index, filter_index)]}

    def filter_quality(self, layer_index, filter_index):
        row = {"n_clusters": 2, "cluster_of": [0, 1, 1], "signal": 3, "internal_noise": 2, "dead": False, "valid": True}
        rows = [{**row, "external_noise": number % 3, "snr": 6 / (2 + number % 3)} for number in filter_index]
        rows[0].update({"internal_noise": 0} if filter_index[0] == 0 else {})
        return {name: [row[name] for row in rows] for name in rows[0]} | self.worth(filter_index)

    def worth(self, filters):
        low, high = [number - 1 for number in filters], [number + 1 for number in filters]
        return {"quality": filters, "quality_low": low, "quality_high": high}

    def top_filters(self, layer_index, label, count):
        return {"filters": [[label[0], count[0], -1, -1]], "share": [[0.5, 0.25, 0.0, 0.0]], "valid": [True]}

    def layer_summary(self, layer_index):
        means = ("accuracy", "units", "n_clusters", "cluster_size", "signal", "noise", "snr", "dead", "label_cv")
        return {name: [layer + place for layer in layer_index] for place, name in enumerate(means)}

    def describe(self, layer_index):
        (layer,) = layer_index
        names = {"label_names": [LABELS], "layer_names": [LAYERS], "output_names": [OUTPUTS]}
        return {"units": [UNITS[layer]], **names}

    def twice(self, x):
        return 2 * np.array(x)


def field(layer, number):
    return np.arange(9.0).reshape(3, 3) / 10 + layer + number


def metadata():
    def tensor(kind, *shape):
        return {"dtype": kind, "tensor_shape": {"dim": [{"size": str(size), "name": ""} for size in shape]}}

    default = {
        "inputs": {"image": tensor("DT_FLOAT", -1, *PIXELS)},
        "outputs": {
            "logits": tensor("DT_FLOAT", -1, 3),
            "any": {"dtype": "DT_INT64", "tensor_shape": {"unknown_rank": True}},
        },
        "method_name": "tensorflow/serving/predict",
    }
    signatures = {"serving_default": default, "__saved_model_init_op": default}
    return {"model_spec": {"name": "pets"}, "metadata": {"signature_def": {"signature_def": signatures}}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = {"error_code": "OK", "error_message": ""}
        versions = {"model_version_status": [{"version": "7", "state": "AVAILABLE", "status": status}]}
        self.answer({"/v1/models/pets": versions, "/v1/models/pets/metadata": metadata()}.get(self.path))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))
        if self.path == "/v1/models/pets:classify":
            return self.answer({"results": [[["dog", 0.75], ["cat", 0.25]] for _ in asked["examples"]]})
        if not self.path.startswith("/v1/models/pets"):
            return self.answer(None)
        outputs = getattr(Signatures(), asked["signature_name"])(**asked["inputs"])
        self.answer({"outputs": outputs})

    def answer(self, found):
        missing = {"error": "Servable not found for request: Latest(dogs)"}
        content = json.dumps(found or missing, default=lambda array: array.tolist()).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # closing it waits for the connections
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(server):
    with Client(server.url, model="pets") as client:
        yield client


def asked(server, signature):
    return [question["inputs"] for _, question in server.asked if question.get("signature_name") == signature]


def test_predictions_come_back_with_names(client):
    found = client.predict(np.array([[[[4], [2]], [[0], [9]]], [[[0], [2]], [[6], [9]]]], np.uint8))

    np.testing.assert_allclose(found.logits, [[2, 1, 0], [0, 1, 3]])
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert found.labels.tolist() == [0, 2]
    assert found.names == ["Cat", "Ship"]


def test_many_images_go_in_several_requests_and_come_back_in_order(client, server, rng):
    images = rng.random((70, *PIXELS), dtype=np.float32)

    found = client.layer_predictions(images, "block/conv2")

    np.testing.assert_allclose(found, images.reshape(70, -1)[:, :3] / 2 + 1, rtol=1e-6)
    questions = asked(server, "layer_predictions")
    assert [len(question["image"]) for question in questions] == [32, 32, 6]
    assert all(question["layer_index"] == [1] * len(question["image"]) for question in questions)


def test_files_and_bytes_are_sent_as_they_are(client, server, tmp_path):
    (tmp_path / "image").write_bytes(bytes([2, 4, 6, 8]))

    found = client.predict_files([tmp_path / "image", str(tmp_path / "image"), bytes([8, 4, 2, 6])])

    np.testing.assert_allclose(found.logits, [[1, 2, 3], [1, 2, 3], [4, 2, 1]])
    assert found.names == ["Ship", "Ship", "Cat"]


def test_a_filter_is_asked_for_by_the_name_of_its_layer(client, server):
    found = client.filter_quality("block/conv2", 17)

    assert asked(server, "filter_quality") == [{"layer_index": [1], "filter_index": [17]}]
    assert (found.layer, found.filter, found.clusters) == ("block/conv2", 17, (("dog", "ship"), ("cat",)))
    assert (found.n_clusters, found.signal, found.internal_noise, found.external_noise) == (2, 3, 2, 2)
    assert (found.snr, found.dead) == (1.5, False)
    assert (found.quality_low, found.quality, found.quality_high) == (16, 17, 18)


def test_all_filters_of_a_layer_come_in_few_requests(client, server):
    found = client.filter_qualities("block/conv2")

    assert [each.filter for each in found] == list(range(300))
    assert [len(question["filter_index"]) for question in asked(server, "filter_quality")] == [256, 44]


def test_signal_without_noise_is_an_infinite_ratio(client):
    assert math.isinf(client.filter_quality("conv1", 0).snr)


def test_fields_and_responses_are_arrays(client):
    np.testing.assert_allclose(client.filter_field("block/conv2", 3), field(1, 3))
    np.testing.assert_allclose(client.filter_fields("conv1", [3, 1]), [field(0, 3), field(0, 1)])
    response = client.filter_response(np.full((1, *PIXELS), 2), "block/conv2", 5)
    np.testing.assert_allclose(response, [[16, 16, 16]])


def test_what_is_not_finite_on_the_server_is_nan_here(client):
    assert np.isnan(client.filter_response(np.ones((1, *PIXELS)), "block/conv2", 256)).all()


@pytest.mark.parametrize("label", ["ship", 2])
def test_top_filters_end_where_there_are_no_more(client, label):
    assert client.top_filters("conv1", label, count=3) == [TopFilter(2, 0.5), TopFilter(3, 0.25)]


def test_layers_are_summed_up_in_one_request(client, server):
    conv1, conv2 = client.layer_summaries()

    assert asked(server, "layer_summary") == [{"layer_index": [0, 1]}]
    assert (conv1.layer, conv1.accuracy, conv1.units, conv1.snr, conv1.quality) == ("conv1", 0, 1, 6, None)
    assert client.layer_summary("block/conv2") == conv2


def test_names_are_asked_for_once(client, server):
    for number in range(3):
        client.filter_field("conv1", number)
        client.top_filters("conv1", "dog")

    assert (client.layers, client.label_names, client.units("conv1")) == (tuple(LAYERS), tuple(LABELS), 4)
    assert len(asked(server, "describe")) == 1


def test_status_and_signatures(client):
    assert client.status() == [ModelVersion(7, "AVAILABLE", "")]
    (signature,) = client.signatures().values()
    assert signature.inputs == {"image": TensorInfo("DT_FLOAT", (-1, *PIXELS))}
    assert signature.outputs["any"].shape is None
    assert client.image == TensorInfo("DT_FLOAT", (-1, *PIXELS))


def test_images_are_classified_as_examples_with_float_features(client, server):
    assert client.classify(np.ones((2, *PIXELS), np.uint8)) == [[("dog", 0.75), ("cat", 0.25)]] * 2
    question = server.asked[-1][1]
    assert question == {"signature_name": "classify", "examples": [{"image": [1.0] * 4}] * 2}
    assert all(isinstance(number, float) for number in question["examples"][0]["image"])


def test_an_image_without_finite_logits_has_no_name():
    rows = np.zeros((2, 3))
    assert Predictions(rows, rows, np.array([-1, 2]), tuple(LABELS)).names == ["", "ship"]


@pytest.mark.parametrize(
    ("chosen", "path"),
    [({"version": 7}, "/v1/models/pets/versions/7"), ({"label": "a b"}, "/v1/models/pets/labels/a%20b")],
)
def test_versions_and_labels_are_part_of_the_path(server, chosen, path):
    with Client(server.url, model="pets", **chosen) as client:
        assert client.call("twice", {"x": np.array([1.5, 2.0])}).tolist() == [3, 4]

    assert server.asked[0][0] == f"{path}:predict"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda client: client.filter_quality("conv9", 0), "pets has no layer 'conv9'. It has: conv1, block/conv2."),
        (lambda client: client.filter_quality("conv1", 4), "conv1 has filters 0 to 3; there is no 4."),
        (
            lambda client: client.filter_fields("conv1", []),
            "No filter of conv1 is asked for. Name one at least, of 0 to 3.",
        ),
        (lambda client: client.predict_files([]), "There is no file to send. Name one at least."),
        (lambda client: client.filter_fields("conv1", [0, -1]), "conv1 has filters 0 to 3; there is no -1."),
        (lambda client: client.top_filters("conv1", "bird"), "pets has no label 'bird'. It has: cat, dog, ship."),
        (lambda client: client.top_filters("conv1", 3), "pets has no label 3. It has: cat, dog, ship."),
        (lambda client: client.predict(np.zeros(PIXELS)), "pets takes images of shape (N, 2, 2, 1), not (2, 2, 1)."),
        (
            lambda client: client.predict(np.zeros((0, *PIXELS))),
            "pets takes images of shape (N, 2, 2, 1), not (0, 2, 2, 1).",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_there_is(client, ask, said):
    with pytest.raises(InvalidInput) as caught:
        ask(client)
    assert str(caught.value) == said


def test_an_unknown_model_is_named_with_what_the_server_says(server):
    with Client(server.url, model="dogs") as client, pytest.raises(ServerError) as caught:
        client.filter_quality("conv1", 0)
    assert str(caught.value) == (
        f"{server.url} does not serve dogs: Servable not found for request: Latest(dogs). "
        "Check the name, or wait until it is loaded."
    )


def test_a_version_and_a_label_contradict_each_other(message_of):
    said = message_of(lambda: Client(model="pets", version=1, label="stable"))
    assert said == "Version 1 and label 'stable' both name a version. Give one of them."
