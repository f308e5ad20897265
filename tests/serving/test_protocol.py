"""The REST protocol of TensorFlow Serving, line by line."""

import base64
import math

import pytest

PREDICT = "/v1/models/toy/versions/1:predict"


@pytest.fixture
def predict(toy_server, ask):
    def call(body, path=PREDICT, **more):
        return ask(toy_server, path, body, **more)

    return call


def test_rows_of_one_input_are_answered_by_rows(predict):
    answer = predict({"signature_name": "serving_default", "instances": [[1, 2, 3], [0.5, 0, -1]]})

    assert (answer.status, answer.json) == (200, {"predictions": [[1, 2, 3], [0.5, 0, -1]]})


def test_without_a_name_the_default_signature_is_meant(predict):
    assert predict({"instances": [[1, 2, 3]]}).json == {"predictions": [[1, 2, 3]]}


def test_a_single_input_may_also_be_named(predict):
    assert predict({"instances": [{"x": [1, 2, 3]}]}).json == {"predictions": [[1, 2, 3]]}
    assert predict({"inputs": {"x": [[1, 2, 3]]}}).json == {"outputs": [[1, 2, 3]]}


def test_columns_with_one_output_are_answered_by_the_bare_value(predict):
    assert predict({"inputs": [[1, 2, 3]]}).json == {"outputs": [[1, 2, 3]]}


def test_several_outputs_are_objects_in_rows_and_one_object_in_columns(predict):
    rows = predict({"signature_name": "pair", "instances": [{"a": 1, "b": 0.5}, {"a": 2, "b": 0}]})
    columns = predict({"signature_name": "pair", "inputs": {"a": [1, 2], "b": [0.5, 0]}})

    one, two = {"total": 1.5, "label": "1", "many": [1.5, 3.0]}, {"total": 2, "label": "2", "many": [2.0, 4.0]}
    assert rows.json == {"predictions": [one, two]}
    assert columns.json == {"outputs": {"total": [1.5, 2], "label": ["1", "2"], "many": [[1.5, 3], [2, 4]]}}


def test_bytes_travel_as_base64_and_come_back_so_where_the_name_ends_in_bytes(predict):
    rows = predict({"signature_name": "text", "instances": [{"b64": "AP8="}, "plain ü"]})
    columns = predict({"signature_name": "text", "inputs": {"s": ["a", {"b64": "Yg=="}]}})

    assert [row["echo_bytes"] for row in rows.json["predictions"]] == [{"b64": "AP8="}, {"b64": "cGxhaW4gw7w="}]
    assert rows.json["predictions"][1]["echo"] == "plain ü"
    assert columns.json["outputs"] == {"echo": ["a", "b"], "echo_bytes": [{"b64": "YQ=="}, {"b64": "Yg=="}]}


def test_numbers_that_json_lacks_are_written_and_read_as_tensorflow_serving_does(predict):
    rows = predict(b'{"signature_name": "inverse", "instances": [0.0, -0.0, NaN, Infinity, 4]}')

    assert "[Infinity,-Infinity,NaN,0.0,0.25]" in rows.text.replace(" ", "")
    assert math.isnan(rows.json["predictions"][2])


def test_floats_are_written_with_the_digits_that_a_float32_has(predict):
    assert predict({"instances": [[0.1, 0.2, 1e-7]]}).text == '{"predictions":[[0.1,0.2,1e-7]]}'


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"instances": [[1, 2, 3]], "inputs": [[1, 2, 3]]}, "expecting only one of 'inputs' or 'instances'"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"signature_name": "serving_default"}, "Missing 'inputs' or 'instances' key"),
        ({"instances": {"x": 1}}, "Excepting 'instances' to be an list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"signature_name": 7, "instances": [[1, 2, 3]]}, "'signature_name' key must be a string value"),
        ({"signature_name": "nix", "inputs": 1}, 'Serving signature name: "nix" not found in signature def'),
        ({"signature_name": "nothing", "inputs": {}}, "Failed to get input map for signature: nothing"),
        ({"signature_name": "pair", "instances": [1]}, "instances is a plain list, but expecting list of objects"),
        ({"signature_name": "pair", "inputs": [1]}, "inputs is a plain value/list, but expecting an object"),
        ({"signature_name": "pair", "inputs": {"a": [1]}}, "Missing named input: b in 'inputs' object."),
        ({"signature_name": "pair", "instances": [{"a": 1}]}, "keys must be equal to: a,b"),
        ({"signature_name": "pair", "instances": [{"a": 1, "b": 1, "c": 1}]}, "keys must be equal to: a,b"),
        ({"signature_name": "pair", "instances": [{"a": 1, "b": 1}, 3]}, "Expecting object but got list at item 1"),
        ({"instances": [[1, 2, 3], {"x": [1, 2, 3]}]}, "Expecting value/list but got object at item 1"),
        ({"instances": [[1, 2, "three"]]}, '"three" Type: String is not of expected type: float'),
        ({"instances": [[1, 2, True]]}, "true Type: True is not of expected type: float"),
        ({"instances": [[1, 2, None]]}, "null Type: Null is not of expected type: float"),
        ({"instances": [[1, 2, {"y": 1}]]}, "Type: Object is not of expected type: float"),
        ({"instances": [[1, 2, 3], [1, 2]]}, "Expecting shape [3] but got: [2]"),
        ({"instances": [[1, 2, [3]]]}, "Encountered list at unexpected level"),
        ({"instances": [[[1], 2, 3]]}, "found at incorrect level"),
        ({"inputs": [[1, 2, 3], [1, 2]]}, "Encountered list at unexpected size: 2 at level: 1 expected size: 3"),
        ({"instances": [[1, 2, 16777217]]}, "Cannot convert JSON value: 16777217 to float without loss of precision"),
        ({"instances": [[1, 2, 1e39]]}, "to float without loss of precision"),
        ({"signature_name": "gather", "instances": [1.5]}, "1.5 Type: Number is not of expected type: int32"),
        ({"signature_name": "gather", "instances": [2**31]}, "2147483648 Type: Number is not of expected type: int32"),
        ({"signature_name": "text", "instances": [7]}, "7 Type: Number is not of expected type: string"),
        ({"signature_name": "text", "instances": [{"b64": "?"}]}, "Unable to base64 decode"),
        ({"signature_name": "text", "inputs": [{"b64": 7}]}, "not formatted correctly for base64 data"),
        ({"instances": [[1, 2]]}, "shape [1, 2], the signature takes [?, 3]"),
        ({"signature_name": "gather", "instances": [7]}, "indices[0] = 7 is not in [0, 2)"),
        ({"signature_name": "mean", "instances": [1, 2]}, "Tensor name: mean has no shape information"),
        ({"signature_name": "uneven", "instances": [1, 2]}, "has inconsistent batch size"),
        (b"", "JSON Parse error: The document is empty"),
        (b'{"instances": [', "JSON Parse error"),
        (b"[1]", "JSON Value: [1] Is not object"),
        (b"\xff\xfe", "JSON Parse error"),
        (b'{"instances": [1e999]}', "JSON Parse error"),
        (b'{"instances": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}", "levels deep; a tensor has at most 64"),
        (b'{"instances": ' + b"[" * 5000, "JSON Parse error"),
        (b'{"instances": NaN' + b"[" * 100_000, "JSON Parse error"),
    ],
)
def test_a_wrong_predict_call_is_a_400_that_says_what_is_wrong(predict, body, error):
    answer = predict(body)

    assert answer.status == 400
    assert error in answer.error


def test_the_row_that_is_to_blame_is_named(predict):
    answer = predict({"signature_name": "pair", "instances": [{"a": 1, "b": 1}, {"a": 1.5, "b": 1}]})

    assert answer.error.startswith("Failed to process element: 1 key: a of 'instances' list. Error: INVALID_ARGUMENT: ")


def test_an_output_without_rows_can_be_asked_in_columns(predict):
    assert predict({"signature_name": "mean", "inputs": [1, 2]}).json == {"outputs": 1.5}
    assert predict({"signature_name": "uneven", "inputs": [1]}).json == {"outputs": {"x": [1], "twice": [1, 1]}}


def test_classify_answers_pairs_of_label_and_score(predict):
    body = {"signature_name": "classify", "examples": [{"x": 0.5, "tag": "big"}, {"x": [2.0], "tag": {"b64": "Yg=="}}]}

    answer = predict(body, "/v1/models/toy/versions/2:classify")

    assert answer.json == {"results": [[["small", 0.5], ["big", 1.0]], [["small", 2.0], ["b", 4.0]]]}


def test_regress_answers_values(predict):
    body = {"signature_name": "regress", "examples": [{"x": 0.5}, {"x": 2.5}]}

    assert predict(body, "/v1/models/toy/versions/2:regress").json == {"results": [1.0, 5.0]}


def test_features_of_the_context_belong_to_every_example_that_does_not_have_its_own(predict):
    body = {"signature_name": "regress", "context": {"x": 3.0}, "examples": [{}, {"x": 0.5}]}

    assert predict(body, "/v1/models/toy:regress").json == {"results": [6.0, 1.0]}


@pytest.mark.parametrize(
    ("verb", "body", "error"),
    [
        ("classify", {"signature_name": "classify"}, "key 'examples' is expected and was not found"),
        ("classify", {"signature_name": "classify", "examples": {}}, "Expecting 'examples' value to be an list/array"),
        ("classify", {"signature_name": "classify", "examples": []}, "'examples' value is an empty array"),
        (
            "classify",
            {"signature_name": "classify", "examples": [1]},
            "Example must be JSON object but got JSON Number",
        ),
        ("classify", {"signature_name": "classify", "examples": [{"x": None}]}, "unexpected JSON type: Null"),
        ("classify", {"signature_name": "classify", "examples": [{"x": [[1.0]]}]}, "unexpected JSON type: Array"),
        ("classify", {"signature_name": "classify", "examples": [{"x": [1.0, "a"]}]}, "expecting type: float"),
        ("classify", {"signature_name": "classify", "examples": [{"x": 2**63}]}, "Only int64 is supported"),
        ("classify", {"signature_name": "classify", "examples": [{"x": 1e39}]}, "without loss of precision"),
        ("classify", {"signature_name": "classify", "examples": [{"x": 1}]}, "Data types don't match"),
        ("classify", {"signature_name": "classify", "examples": [{}]}, "Feature: x (data type: float) is required"),
        ("classify", {"signature_name": "nix", "examples": [{}]}, "No signature was found with the name: nix"),
        (
            "classify",
            {"examples": [{}]},
            "method_name to be tensorflow/serving/classify. Was: tensorflow/serving/predict",
        ),
        ("regress", {"signature_name": "classify", "examples": [{}]}, "Expected regression signature method_name"),
    ],
)
def test_a_wrong_classify_or_regress_call_is_a_400_that_says_what_is_wrong(predict, verb, body, error):
    answer = predict(body, f"/v1/models/toy:{verb}")

    assert answer.status == 400
    assert error in answer.error


def test_a_signature_of_examples_can_be_called_by_predict_with_serialized_ones(predict):
    import tensorflow as tf

    value = tf.train.Feature(float_list=tf.train.FloatList(value=[2.5]))
    serialized = tf.train.Example(features=tf.train.Features(feature={"x": value})).SerializeToString()

    answer = predict(
        {"signature_name": "regress", "instances": [{"b64": base64.b64encode(serialized).decode()}]},
        "/v1/models/toy/versions/2:predict",
    )

    assert answer.json == {"predictions": [5.0]}


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("/v1/models/toy:predict", 2),
        ("/v1/models/toy/versions/1:predict", 1),
        ("/v1/models/toy/versions/2:predict", 2),
        ("/v1/models/toy/labels/stable:predict", 1),
        ("/v1/models/toy/labels/canary:predict", 2),
        ("/V1/Models/toy:predict", 2),
        ("/v1/models/%74oy:predict", 2),
    ],
)
def test_the_path_says_which_version_answers(predict, path, factor):
    assert predict({"instances": [[1, 2, 3]]}, path).json == {"predictions": [[factor, 2 * factor, 3 * factor]]}


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v1/models/nix:predict", 404, "Servable not found for request: Latest(nix)"),
        ("/v1/models/toy/versions/7:predict", 404, "Servable not found for request: Specific(toy, 7)"),
        ("/v1/models/toy/labels/nix:predict", 400, "Unrecognized servable version label: nix"),
        ("/v1/models/toy/labels/lost:predict", 404, "Servable not found for request: Specific(toy, 9)"),
        ("/v1/models/toy", 400, "Malformed request: POST /v1/models/toy"),
        ("/v1/models/toy:explain", 400, "Malformed request: POST /v1/models/toy:explain"),
        ("/v1/models/toy/versions/x:predict", 400, "Malformed request: POST /v1/models/toy/versions/x:predict"),
        (f"/v1/models/toy/versions/{2**63}:predict", 400, f"Failed to convert version: {2**63} to numeric."),
        ("/", 404, "Malformed request: POST /"),
    ],
)
def test_a_call_to_what_is_not_there_is_refused(predict, path, status, error):
    answer = predict({"instances": [[1, 2, 3]]}, path)

    assert (answer.status, answer.error) == (status, error)


def test_the_status_lists_versions_largest_first_as_strings(toy_server, ask):
    answer = ask(toy_server, "/v1/models/toy")

    ok = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert answer.status == 200
    assert answer.json == {"model_version_status": [{"version": "2", **ok}, {"version": "1", **ok}]}


@pytest.mark.parametrize(("which", "version"), [("versions/1", "1"), ("labels/canary", "2")])
def test_the_status_of_one_version_is_that_alone(toy_server, ask, which, version):
    (status,) = ask(toy_server, f"/v1/models/toy/{which}").json["model_version_status"]

    assert status["version"] == version


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/models/", 400, "Malformed request: GET /v1/models/"),
        ("/v1/models/nix", 404, "Could not find any versions of model nix"),
        ("/v1/models/toy/versions/7", 404, "Could not find version 7 of model toy"),
        ("/v1/models/nix/metadata", 404, "Servable not found for request: Latest(nix)"),
        ("/v1/models/toy:predict", 400, "Malformed request: GET /v1/models/toy:predict"),
        ("/", 404, "Malformed request: GET /"),
    ],
)
def test_asking_for_the_status_of_what_is_not_there_is_refused(toy_server, ask, path, status, error):
    answer = ask(toy_server, path)

    assert (answer.status, answer.error) == (status, error)


def test_the_metadata_are_the_signatures_without_the_one_that_initializes(toy_server, ask):
    answer = ask(toy_server, "/v1/models/toy/versions/1/metadata").json

    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert answer["model_spec"] == {"name": "toy", "version": "1", "signature_name": ""}
    assert "__saved_model_init_op" not in signatures
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"
    assert signatures["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in signatures["serving_default"]["inputs"]["x"]["tensor_shape"]["dim"]] == ["-1", "3"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_malformed_requests(predict, method):
    answer = predict({"instances": [[1, 2, 3]]}, method=method)

    assert (answer.status, answer.error) == (400, f"Malformed request: {method} {PREDICT}")
