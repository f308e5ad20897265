"""The REST interface: predict, classify, regress, status and metadata, as TensorFlow Serving answers them."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fm_keras.serving.server.examples_json import read_examples, write_classes, write_values
from fm_keras.serving.server.inference import classify, predict, regress, rest_signature
from fm_keras.serving.server.messages import SIGNATURE_DEF, describe_signatures, describe_versions
from fm_keras.serving.server.metrics import Metrics
from fm_keras.serving.server.numbers_json import parse_numbers
from fm_keras.serving.server.predict_json import read_predict, signature_name, write_predict
from fm_keras.serving.server.rest_paths import Call, malformed, read_path
from fm_keras.serving.server.servable import Servable
from fm_keras.serving.server.statuses import Code, RequestError, TooLarge, invalid
from fm_keras.serving.server.store import Store
from fm_keras.serving.server.tensors_json import dump, parse_body

_JSON, _TEXT = "application/json", "text/plain"


@dataclass(frozen=True)
class RestLimits:
    """What a request may take."""

    seconds: float
    body_bytes: int


def rest_app(
    store: Store, metrics: Metrics, workers: Executor, limits: RestLimits, metrics_path: str | None
) -> FastAPI:
    """The REST interface of some models.

    Args:
        store: the models.
        metrics: where requests are counted.
        workers: threads that models run in, which leaves the event loop free.
        limits: of a request.
        metrics_path: of the page of metrics; none if None.
    """
    app = FastAPI(title="fm-keras serve", docs_url=None, redoc_url=None, openapi_url=None)
    if metrics_path is not None:
        app.add_api_route(metrics_path, lambda: Response(metrics.page(), media_type=_TEXT), response_model=None)

    async def get(request: Request) -> Response:
        call = read_path("GET", _path(request))
        answer = _metadata if call.verb == "metadata" else _status
        return Response(answer(store, call), media_type=_JSON)

    async def post(request: Request) -> Response:
        call = read_path("POST", _path(request))
        with metrics.request(call.name, call.verb.capitalize(), "REST", hosted=store.hosts(call.name)):
            body = await _body(request, limits.body_bytes)
            work = asyncio.get_running_loop().run_in_executor(workers, _run, store, call, body)
            try:
                answer = await asyncio.wait_for(work, limits.seconds)
            except TimeoutError:
                raise RequestError(Code.DEADLINE_EXCEEDED, f"No answer within {limits.seconds:g} seconds.") from None
        return Response(answer, media_type=_JSON)

    app.add_api_route("/{path:path}", get, methods=["GET"], response_model=None)
    app.add_api_route("/{path:path}", post, methods=["POST"], response_model=None)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(HTTPException, _refused_by_routes)
    app.add_exception_handler(Exception, _failed)
    return app


def _path(request: Request) -> str:
    return request.scope["raw_path"].decode("ascii", "replace")


async def _body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(limit)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise TooLarge(limit)
            parts.append(part)
    except ClientDisconnect:
        raise RequestError(Code.CANCELLED, "The client has gone.") from None
    body = b"".join(parts)
    return _unzipped(body, limit) if request.headers.get("content-encoding") == "gzip" else body


def _unzipped(body: bytes, limit: int) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        found = unzip.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(f"The body is no gzip: {error}") from None
    if len(found) > limit:
        raise TooLarge(limit)
    if not unzip.eof:
        raise invalid("The gzip of the body breaks off.")
    return found


def _run(store: Store, call: Call, body: bytes) -> bytes:
    content = (parse_numbers(body) if call.verb == "predict" else None) or parse_body(body)
    name = signature_name(content)
    with store.lend(*call.asked) as servable:
        return _ANSWERS[call.verb](servable, name, content)


def _predict(servable: Servable, name: str, content: dict) -> bytes:
    signature = rest_signature(servable, name)
    asked = read_predict(content, signature)
    return write_predict(asked.form, predict(servable, signature, asked.inputs))


def _classify(servable: Servable, name: str, content: dict) -> bytes:
    return write_classes(*classify(servable, name, read_examples(content)))


def _regress(servable: Servable, name: str, content: dict) -> bytes:
    return write_values(regress(servable, name, read_examples(content)))


_ANSWERS: dict[str, Callable[[Servable, str, dict], bytes]] = {
    "predict": _predict,
    "classify": _classify,
    "regress": _regress,
}


def _status(store: Store, call: Call) -> bytes:
    return dump(_as_json(describe_versions(store.versions(*call.asked))))


def _metadata(store: Store, call: Call) -> bytes:
    from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

    with store.lend(*call.asked) as servable:
        described = describe_signatures(servable)
    signatures = SignatureDefMap.FromString(described.metadata[SIGNATURE_DEF].value)
    return dump({"model_spec": _as_json(described.model_spec), "metadata": {SIGNATURE_DEF: _as_json(signatures)}})


def _as_json(message: object) -> dict:
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _error(status: int, message: str) -> Response:
    return Response(dump({"error": message}), status, media_type=_JSON)


async def _refused(request: Request, error: RequestError) -> Response:
    return _error(error.http, str(error))


async def _refused_by_routes(request: Request, error: HTTPException) -> Response:
    # Another method than GET and POST.
    return await _refused(request, malformed(request.method, _path(request)))


async def _failed(request: Request, error: Exception) -> Response:
    return _error(500, f"{type(error).__name__}: {error}")
