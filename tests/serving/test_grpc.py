"""PredictionService and ModelService through the stubs of tensorflow-serving-api."""

import shutil

import numpy as np
import pytest

grpc = pytest.importorskip("grpc")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
classification_pb2 = pytest.importorskip("tensorflow_serving.apis.classification_pb2")
get_model_metadata_pb2 = pytest.importorskip("tensorflow_serving.apis.get_model_metadata_pb2")
get_model_status_pb2 = pytest.importorskip("tensorflow_serving.apis.get_model_status_pb2")
inference_pb2 = pytest.importorskip("tensorflow_serving.apis.inference_pb2")
model_management_pb2 = pytest.importorskip("tensorflow_serving.apis.model_management_pb2")
model_service_pb2_grpc = pytest.importorskip("tensorflow_serving.apis.model_service_pb2_grpc")
predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
prediction_service_pb2_grpc = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
regression_pb2 = pytest.importorskip("tensorflow_serving.apis.regression_pb2")

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def channel(toy_server):
    with grpc.insecure_channel(toy_server.grpc_address) as channel:
        yield channel


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def named(request, name="toy", signature="", version=None, label=None):
    request.model_spec.name, request.model_spec.signature_name = name, signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    return request


def predict_request(signature="", outputs=(), *, name="toy", version=None, label=None, **inputs):
    request = named(predict_pb2.PredictRequest(output_filter=outputs), name, signature, version, label)
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def arrays(response):
    return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}


def refusal(call, request, **more):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=30, **more)
    return caught.value.code(), caught.value.details()


def example(**features):
    made = tf.train.Example()
    for name, value in features.items():
        made.features.feature[name].float_list.value.append(value)
    return made


ROW = np.array([[1, 2, 3]], np.float32)


def test_predict_answers_tensors_and_says_which_version_and_signature_it_was(prediction):
    response = prediction.Predict(predict_request(x=ROW))

    np.testing.assert_array_equal(arrays(response)["y"], 2 * ROW)
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("toy", 2, "serving_default")


def test_values_lie_in_the_typed_fields_that_some_clients_read(prediction):
    outputs = prediction.Predict(predict_request("pair", a=np.int32([7]), b=np.float32([0.5]))).outputs

    assert list(outputs["total"].float_val) == [7.5]
    assert list(outputs["label"].string_val) == [b"7"]
    assert [dim.size for dim in outputs["many"].tensor_shape.dim] == [1, 2]


def test_strings_of_any_bytes_come_back(prediction):
    words = np.array([b"\x00\xff", b""], object)

    assert arrays(prediction.Predict(predict_request("text", s=words)))["echo"].tolist() == words.tolist()


def test_only_the_outputs_that_are_asked_for_come(prediction):
    request = predict_request("pair", ["many", "label"], a=np.int32([7]), b=np.float32([0.5]))

    assert set(prediction.Predict(request).outputs) == {"many", "label"}


def test_a_version_is_asked_by_number_or_label(prediction):
    found = [
        arrays(prediction.Predict(predict_request(x=ROW, **which)))["y"][0, 0]
        for which in ({"version": 1}, {"version": 2}, {"label": "stable"}, {"label": "canary"})
    ]

    assert found == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("request_of", "code", "details"),
    [
        (lambda: predict_request(name="nix", x=ROW), Code.NOT_FOUND, "Servable not found for request: Latest(nix)"),
        (lambda: predict_request(version=9, x=ROW), Code.NOT_FOUND, "Servable not found for request: Specific(toy, 9)"),
        (
            lambda: predict_request(label="nix", x=ROW),
            Code.INVALID_ARGUMENT,
            "Unrecognized servable version label: nix",
        ),
        (lambda: predict_request(name="", x=ROW), Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        (lambda: predict_request("nix", x=ROW), Code.FAILED_PRECONDITION, 'Serving signature key "nix" not found.'),
        (lambda: predict_request(), Code.INVALID_ARGUMENT, "Missing but required: {x}."),
        (lambda: predict_request(x=ROW, z=ROW), Code.INVALID_ARGUMENT, "Sent extra: {z}."),
        (
            lambda: predict_request("", ["nix"], x=ROW),
            Code.INVALID_ARGUMENT,
            "output tensor alias not found in signature: nix",
        ),
        (lambda: predict_request("", ["y", "y"], x=ROW), Code.INVALID_ARGUMENT, "duplicate output tensor alias: y"),
        (
            lambda: predict_request(x=ROW.astype(int)),
            Code.INVALID_ARGUMENT,
            "has type int64, the signature takes float.",
        ),
        (lambda: predict_request(x=ROW[0]), Code.INVALID_ARGUMENT, "has shape [3], the signature takes [?, 3]."),
        (
            lambda: predict_request("gather", index=np.int32([9])),
            Code.INVALID_ARGUMENT,
            "indices[0] = 9 is not in [0, 2)",
        ),
    ],
)
def test_a_wrong_call_is_refused_with_tensorflow_servings_code(prediction, request_of, code, details):
    found, said = refusal(prediction.Predict, request_of())

    assert found is code
    assert details in said


@pytest.mark.parametrize(
    ("proto", "code"),
    [
        ({"dtype": 1, "float_val": [1], "tensor_shape": {"dim": [{"size": 2**40}]}}, Code.RESOURCE_EXHAUSTED),
        ({"dtype": 1, "float_val": [1], "tensor_shape": {"dim": [{"size": -1}]}}, Code.INVALID_ARGUMENT),
        ({"dtype": 1, "tensor_content": b"123", "tensor_shape": {"dim": [{"size": 1}]}}, Code.INVALID_ARGUMENT),
        ({"dtype": 1, "float_val": [1, 2, 3], "tensor_shape": {"dim": [{"size": 2}]}}, Code.INVALID_ARGUMENT),
        ({"dtype": 0}, Code.INVALID_ARGUMENT),
        ({"dtype": 20}, Code.INVALID_ARGUMENT),
        ({"dtype": 4711}, Code.INVALID_ARGUMENT),
    ],
)
def test_a_broken_tensor_is_refused(prediction, proto, code):
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    request = predict_request()
    request.inputs["x"].CopyFrom(TensorProto(**proto))

    assert refusal(prediction.Predict, request)[0] is code


def test_a_run_that_takes_too_long_ends(prediction):
    code, _ = refusal(prediction.Predict, predict_request("slow", steps=np.int32(10**8)))

    assert code is Code.DEADLINE_EXCEEDED


def test_a_message_that_is_too_large_is_refused(prediction):
    code, _ = refusal(prediction.Predict, predict_request(x=np.zeros((100_000, 3), np.float32)))

    assert code is Code.RESOURCE_EXHAUSTED


def test_classify_and_regress_take_examples_and_a_context(prediction):
    classification = named(classification_pb2.ClassificationRequest(), signature="classify")
    classification.input.example_list.examples.append(example(x=0.5))
    regression = named(regression_pb2.RegressionRequest(), signature="regress", version=1)
    regression.input.example_list_with_context.context.CopyFrom(example(x=4.0))
    regression.input.example_list_with_context.examples.extend([example(), example(x=3.0)])

    (classes,) = prediction.Classify(classification).result.classifications
    values = prediction.Regress(regression).result.regressions

    assert [(each.label, each.score) for each in classes.classes] == [("small", 0.5), ("", 1.0)]
    assert [each.value for each in values] == [4.0, 3.0]


def test_classify_without_examples_or_of_another_method_is_refused(prediction):
    empty = named(classification_pb2.ClassificationRequest(), signature="classify")
    other = named(classification_pb2.ClassificationRequest())

    assert refusal(prediction.Classify, empty) == (Code.INVALID_ARGUMENT, "Input is empty.")
    assert "Expected classification signature method_name" in refusal(prediction.Classify, other)[1]


def test_the_metadata_are_the_signatures(prediction):
    request = named(get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]), version=1)

    response = prediction.GetModelMetadata(request)

    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert response.model_spec.version.value == 1
    assert {"serving_default", "classify"} <= set(signatures.signature_def)
    assert "__saved_model_init_op" not in signatures.signature_def


def test_metadata_of_another_kind_are_refused(prediction):
    request = get_model_metadata_pb2.GetModelMetadataRequest

    assert refusal(prediction.GetModelMetadata, request())[1] == "Missing ModelSpec"
    assert "at least one metadata_field" in refusal(prediction.GetModelMetadata, named(request()))[1]
    wrong = named(request(metadata_field=["nix"]))
    assert refusal(prediction.GetModelMetadata, wrong) == (Code.INVALID_ARGUMENT, "Metadata field nix is not supported")


def test_the_status_of_versions(models):
    request = get_model_status_pb2.GetModelStatusRequest

    found = models.GetModelStatus(named(request())).model_version_status

    assert [(each.version, each.state, each.status.error_code) for each in found] == [(2, 30, 0), (1, 30, 0)]
    assert refusal(models.GetModelStatus, named(request(), "nix")) == (
        Code.NOT_FOUND,
        "Could not find any versions of model nix",
    )
    assert refusal(models.GetModelStatus, request()) == (Code.INVALID_ARGUMENT, "Missing ModelSpec")


def test_what_is_not_hosted_here_is_unimplemented(prediction):
    assert refusal(prediction.MultiInference, inference_pb2.MultiInferenceRequest())[0] is Code.UNIMPLEMENTED


def test_a_new_config_is_loaded_before_the_call_returns(toys, start, tmp_path):
    for version in ("1", "2"):
        shutil.copytree(toys / version, tmp_path / "toy" / version)
    with start(tmp_path) as server, grpc.insecure_channel(server.grpc_address) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        request = model_management_pb2.ReloadConfigRequest()
        entry = request.config.model_config_list.config.add(
            name="renamed", base_path=str(tmp_path / "toy"), model_platform="tensorflow"
        )
        entry.model_version_policy.specific.versions.append(1)

        response = stub.HandleReloadConfigRequest(request)

        assert response.status.error_code == 0
        assert server.store.available() == {"toy": [], "renamed": [1]}
        empty = refusal(stub.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest())
        assert empty[0] is Code.INVALID_ARGUMENT
        entry.name = ""
        assert refusal(stub.HandleReloadConfigRequest, request)[0] is Code.INVALID_ARGUMENT
