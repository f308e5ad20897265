"""The messages of TensorFlow Serving's gRPC services, answered by one version of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fm_keras.serving.server.inference import classify, predict, predict_signature, regress
from fm_keras.serving.server.servable import DEFAULT_SIGNATURE, Servable
from fm_keras.serving.server.statuses import invalid
from fm_keras.serving.server.store import Version
from fm_keras.serving.server.tensor_protos import array_of_proto, proto_of_array

if TYPE_CHECKING:
    from tensorflow_serving.apis.classification_pb2 import ClassificationRequest, ClassificationResponse
    from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
    from tensorflow_serving.apis.input_pb2 import Input
    from tensorflow_serving.apis.model_pb2 import ModelSpec
    from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
    from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

SIGNATURE_DEF = "signature_def"


def answer_predict(servable: Servable, request: PredictRequest) -> PredictResponse:
    """Answer a PredictRequest."""
    from tensorflow_serving.apis.predict_pb2 import PredictResponse

    signature = predict_signature(servable, request.model_spec.signature_name)
    inputs = {name: array_of_proto(name, proto) for name, proto in request.inputs.items()}
    response = PredictResponse()
    for name, array in predict(servable, signature, inputs, list(request.output_filter)).items():
        response.outputs[name].CopyFrom(proto_of_array(array))
    _fill(response.model_spec, servable, signature.name)
    return response


def answer_classify(servable: Servable, request: ClassificationRequest) -> ClassificationResponse:
    """Answer a ClassificationRequest."""
    from tensorflow_serving.apis.classification_pb2 import ClassificationResponse

    name = request.model_spec.signature_name
    labels, scores = classify(servable, name, _examples(request.input))
    rows, columns = (labels if scores is None else scores).shape
    response = ClassificationResponse()
    for row in range(rows):
        classes = response.result.classifications.add().classes
        for column in range(columns):
            label = "" if labels is None else labels[row, column]
            classes.add(label=label, score=0.0 if scores is None else scores[row, column])
    _fill(response.model_spec, servable, name or DEFAULT_SIGNATURE)
    return response


def answer_regress(servable: Servable, request: RegressionRequest) -> RegressionResponse:
    """Answer a RegressionRequest."""
    from tensorflow_serving.apis.regression_pb2 import RegressionResponse

    name = request.model_spec.signature_name
    response = RegressionResponse()
    for value in regress(servable, name, _examples(request.input)).tolist():
        response.result.regressions.add(value=value)
    _fill(response.model_spec, servable, name or DEFAULT_SIGNATURE)
    return response


def describe_signatures(servable: Servable, fields: Iterable[str] = (SIGNATURE_DEF,)) -> GetModelMetadataResponse:
    """The signatures of a version, without the one that only initializes it.

    Raises:
        RequestError: other fields are asked for, or none.
    """
    from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap

    fields = list(fields)
    if not fields:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in fields:
        if field != SIGNATURE_DEF:
            raise invalid(f"Metadata field {field} is not supported")
    response = GetModelMetadataResponse()
    response.metadata[SIGNATURE_DEF].Pack(SignatureDefMap(signature_def=servable.definitions))
    _fill(response.model_spec, servable)
    return response


def describe_versions(versions: Iterable[Version]) -> GetModelStatusResponse:
    """What has become of some versions."""
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

    response = GetModelStatusResponse()
    for version in versions:
        status = response.model_version_status.add(version=version.number, state=int(version.state))
        status.status.SetInParent()
        if version.error is not None:
            status.status.error_code = int(version.error.code)
            status.status.error_message = str(version.error)
    return response


def _fill(spec: ModelSpec, servable: Servable, signature: str = "") -> None:
    spec.name, spec.signature_name = servable.name, signature
    spec.version.value = servable.version


def _examples(inputs: Input) -> list[bytes]:
    kind = inputs.WhichOneof("kind")
    if kind is None:
        return []
    listed = getattr(inputs, kind)
    context = listed.context.SerializeToString() if kind == "example_list_with_context" else b""
    # Protobuf merges what stands behind one another: features of the example win over those of the context.
    return [context + example.SerializeToString() for example in listed.examples]
