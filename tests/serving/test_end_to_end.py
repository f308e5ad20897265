"""Client to server to export and back: every signature in every form says what Python says."""

import base64
import io
import json
import re
from pathlib import Path
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

from fm_keras.errors import ServerError
from fm_keras.serving.client.client import Client
from fm_keras.settings import ServeSettings

pytestmark = pytest.mark.tensorflow
FORMS = ("rows", "columns", "grpc", "client")
SIGNATURES = (
    "serving_default",
    "layer_predictions",
    "filter_response",
    "filter_quality",
    "filter_field",
    "top_filters",
    "layer_summary",
    "describe",
)


@pytest.fixture(scope="module")
def server(served):
    from fm_keras.serving.server.server import Server

    with Server(served, ServeSettings(rest_port=0, grpc_port=0)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with Client(server.rest_url, model="tiny") as client:
        yield client


@pytest.fixture(scope="module")
def requests(measured):
    """Four rows for each signature, all within range."""
    rng = np.random.default_rng(1)
    images = {"image": measured.dataset.test.images[:4].astype(np.float32)}
    layer = {"layer_index": np.array([1, 0, 1, 0])}
    unit = {"filter_index": np.array([6, 4, *rng.integers(0, 5, 2)])}
    label = {"label": np.array([0, 1, 2, 2]), "count": np.array([3, 2, 7, 1])}
    return {
        "serving_default": images,
        "layer_predictions": images | layer,
        "filter_response": images | layer | unit,
        "filter_quality": layer | unit,
        "filter_field": layer | unit,
        "top_filters": layer | label,
        "layer_summary": layer,
        "describe": layer,
    }


@pytest.fixture(scope="module")
def expected(measured, requests):
    """What Keras, NumPy and pandas answer, without any of the export's graph."""
    from fm_keras.serving.saved.python_answers import PythonAnswers

    python = PythonAnswers(measured.model, measured.analysis, None)
    return {name: getattr(python, name)(request) for name, request in requests.items()}


def post(server, body, verb="predict"):
    url = f"{server.rest_url}/v1/models/tiny:{verb}"
    with urlopen(HttpRequest(url, json.dumps(body).encode())) as answer:
        return json.load(answer)


def by_rows(server, signature, request):
    columns = {name: values.tolist() for name, values in request.items()}
    instances = [dict(zip(columns, row)) for row in zip(*columns.values())]
    rows = post(server, {"signature_name": signature, "instances": instances})["predictions"]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def by_columns(server, signature, request):
    inputs = {name: values.tolist() for name, values in request.items()}
    found = post(server, {"signature_name": signature, "inputs": inputs})["outputs"]
    return {name: np.array(values) for name, values in found.items()}


def by_grpc(server, signature, request):
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    asked = PredictRequest()
    asked.model_spec.name, asked.model_spec.signature_name = "tiny", signature
    for name, values in request.items():
        kind = np.int32 if values.dtype.kind == "i" else values.dtype
        asked.inputs[name].CopyFrom(tf.make_tensor_proto(values.astype(kind)))
    with grpc.insecure_channel(server.grpc_address) as channel:
        outputs = PredictionServiceStub(channel).Predict(asked, timeout=10).outputs
    found = {name: tf.make_ndarray(proto) for name, proto in outputs.items()}
    return {name: values.astype(str) if values.dtype == object else values for name, values in found.items()}


def by_client(server, signature, request):
    with Client(server.rest_url, model="tiny") as client:
        return client.call(signature, request)


ASK = dict(zip(FORMS, (by_rows, by_columns, by_grpc, by_client)))


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("form", FORMS)
def test_every_signature_says_what_python_says(form, signature, server, requests, expected):
    found = ASK[form](server, signature, requests[signature])

    assert found.get("valid", np.True_).all()
    for name, values in expected[signature].items():
        answered = found[name][:, : values.shape[1]] if values.ndim > 1 else found[name]
        if values.dtype == object:
            assert answered.tolist() == [text.decode() for text in values]
        else:
            np.testing.assert_allclose(answered, values, rtol=1e-5, atol=1e-5)


def test_classify_and_encoded_pictures_say_the_same_in_every_form(server, client, requests, expected, tmp_path):
    images, shares = requests["serving_default"]["image"], expected["serving_default"]["probabilities"]
    pictures = [png(image) for image in images]
    (tmp_path / "first.png").write_bytes(pictures[0])
    encoded = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
    rows = post(server, {"signature_name": "image_bytes", "instances": encoded})["predictions"]
    examples = [{"image": image.ravel().tolist()} for image in images]
    classified = post(server, {"signature_name": "classify", "examples": examples}, "classify")["results"]

    ways = {
        "image_bytes, rows": [row["probabilities"] for row in rows],
        "image_bytes, client": client.predict_files([tmp_path / "first.png", *pictures[1:]]).probabilities,
        "classify, REST": [[score for _, score in each] for each in classified],
        "classify, client": [[score for _, score in each] for each in client.classify(images)],
        "classify files, client": [[score for _, score in each] for each in client.classify_files(pictures)],
        "pixels of 8 bits, client": client.predict(images.astype(np.uint8)).probabilities,
    }

    for way, found in ways.items():
        np.testing.assert_allclose(found, shares, rtol=1e-5, atol=1e-5, err_msg=way)
    assert [label for label, _ in classified[0]] == ["top", "middle", "<b>"]


def png(image):
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, "png")
    return file.getvalue()


def test_the_client_tells_of_every_filter_what_the_analysis_holds(client, measured):
    assert client.layers == tuple(filters.layer for filters in measured.analysis)
    assert client.label_names == ("top", "middle", "<b>")
    assert client.threshold == measured.analysis.settings.threshold
    for filters in measured.analysis:
        found = client.filter_qualities(filters.layer)
        for name in ("n_clusters", "signal", "internal_noise", "external_noise", "dead", "snr", "quality"):
            values = [getattr(each, name) for each in found]
            np.testing.assert_allclose(values, filters.table[name].astype(float), rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal([each.cluster_of for each in found], filters.cluster_of)
        np.testing.assert_allclose(client.filter_fields(filters.layer), filters.fields, rtol=1e-5, atol=1e-5)


def test_the_responses_of_all_filters_add_up_to_what_the_probe_says(client, measured):
    images = measured.dataset.test.images[:3]

    responses = sum(client.filter_response(images, "conv", number) for number in range(5))

    np.testing.assert_allclose(responses, client.layer_predictions(images, "conv"), rtol=1e-5, atol=1e-5)


def test_the_layers_are_summed_up_as_in_the_table(client, measured):
    table = measured.analysis.layers().set_index("layer")
    for found in client.layer_summaries():
        for name in ("units", "accuracy", "n_clusters", "cluster_size", "signal", "noise", "dead", "label_cv"):
            assert getattr(found, name) == pytest.approx(table.loc[found.layer, name], rel=1e-5), name


def test_the_table_of_the_docs_names_every_signature_and_its_inputs(client):
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, flags=re.MULTILINE))

    signatures = client.signatures()

    assert rows.keys() == signatures.keys()
    for name, found in signatures.items():
        assert all(each in rows[name] for each in found.inputs), name


def test_versions_are_asked_for_by_number(server, client):
    assert [(each.version, each.state) for each in client.status()] == [(1, "AVAILABLE")]
    with (
        Client(server.rest_url, model="tiny", version=1) as first,
        Client(server.rest_url, model="tiny", version=9) as ninth,
    ):
        assert first.filter_quality("conv", 0).quality == client.filter_quality("conv", 0).quality
        for ask in (ninth.status, ninth.layer_summaries):
            with pytest.raises(
                ServerError, match=f"{server.rest_url} does not serve tiny/versions/9: .+ Check the name"
            ):
                ask()
