"""PredictionService and ModelService of TensorFlow Serving over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fm_keras.errors import InvalidInput
from fm_keras.serving.server.hosting import configured
from fm_keras.serving.server.messages import (
    answer_classify,
    answer_predict,
    answer_regress,
    describe_signatures,
    describe_versions,
)
from fm_keras.serving.server.metrics import Metrics
from fm_keras.serving.server.servable import Servable
from fm_keras.serving.server.statuses import Code, RequestError, invalid
from fm_keras.serving.server.store import Store

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from grpc import GenericRpcHandler, RpcMethodHandler, ServicerContext
    from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
    from tensorflow_serving.apis.model_pb2 import ModelSpec

Answer = Callable[[Any], "Message"]
_PREDICTION = "tensorflow.serving.PredictionService"
_MODEL = "tensorflow.serving.ModelService"
_LONGEST_DETAILS = 4000  # they travel in a header, and clients refuse headers beyond 8 KB


def grpc_handlers(store: Store, metrics: Metrics, folder: Path) -> list[GenericRpcHandler]:
    """What a gRPC server needs to host both services.

    Args:
        store: the models.
        metrics: where requests are counted.
        folder: of the models, for base paths of a new config that are not on this machine.
    """
    import grpc
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_management_pb2,
        predict_pb2,
        regression_pb2,
    )

    def run(api: str, answer: Callable[[Servable, Any], Message]) -> Answer:
        return partial(_run, store, metrics, api, answer)

    prediction = {
        "Predict": _method(run("Predict", answer_predict), predict_pb2.PredictRequest),
        "Classify": _method(run("Classify", answer_classify), classification_pb2.ClassificationRequest),
        "Regress": _method(run("Regress", answer_regress), regression_pb2.RegressionRequest),
        "GetModelMetadata": _method(partial(_metadata, store), get_model_metadata_pb2.GetModelMetadataRequest),
    }
    model = {
        "GetModelStatus": _method(partial(_status, store), get_model_status_pb2.GetModelStatusRequest),
        "HandleReloadConfigRequest": _method(partial(_reload, store, folder), model_management_pb2.ReloadConfigRequest),
    }
    return [
        grpc.method_handlers_generic_handler(_PREDICTION, prediction),
        grpc.method_handlers_generic_handler(_MODEL, model),
    ]


def _method(answer: Answer, request: type[Message]) -> RpcMethodHandler:
    import grpc

    def call(message: Message, context: ServicerContext) -> Message:
        try:
            return answer(message)
        except RequestError as error:
            context.abort(_grpc_code(error.code), str(error)[:_LONGEST_DETAILS])

    return grpc.unary_unary_rpc_method_handler(
        call, request_deserializer=request.FromString, response_serializer=lambda message: message.SerializeToString()
    )


def _grpc_code(code: Code) -> Any:
    import grpc

    return grpc.StatusCode[code.name]


def _run(store: Store, metrics: Metrics, api: str, answer: Callable, request: Any) -> Message:
    spec = request.model_spec
    with (
        metrics.request(spec.name, api, "GRPC", hosted=store.hosts(spec.name)),
        store.lend(*_asked(spec)) as servable,
    ):
        return answer(servable, request)


def _metadata(store: Store, request: Any) -> Message:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    with store.lend(*_asked(request.model_spec)) as servable:
        return describe_signatures(servable, request.metadata_field)


def _status(store: Store, request: Any) -> Message:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    return describe_versions(store.versions(spec.name, *_version_or_label(spec)))


def _reload(store: Store, folder: Path, request: ReloadConfigRequest) -> ReloadConfigResponse:
    from tensorflow_serving.apis.model_management_pb2 import ReloadConfigResponse

    if request.config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently "
            "supported"
        )
    try:
        models = configured(request.config, folder)
    except InvalidInput as error:
        raise invalid(str(error)) from None
    store.replace_models(models)
    available = store.available()
    missing = [model.name for model in models if not available.get(model.name)]
    if missing:
        raise RequestError(Code.UNKNOWN, f"Some models did not become available: {{{', '.join(missing)}}}")
    response = ReloadConfigResponse()
    response.status.SetInParent()
    return response


def _asked(spec: ModelSpec) -> tuple[str, int | None, str | None]:
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    return spec.name, *_version_or_label(spec)


def _version_or_label(spec: ModelSpec) -> tuple[int | None, str | None]:
    version = spec.version.value if spec.HasField("version") else None
    return version, spec.version_label if spec.HasField("version_label") else None
