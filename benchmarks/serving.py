"""What serving adds: the embedded server over REST and gRPC, against calling the loaded signature directly."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from timing import arguments, machine

options = arguments(__doc__)

import grpc  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis.predict_pb2 import PredictRequest  # noqa: E402
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub  # noqa: E402

import fm_keras  # noqa: E402
from fm_keras.errors import ServerError  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.serving.client.client import Client  # noqa: E402
from fm_keras.serving.saved.requests import png  # noqa: E402
from fm_keras.settings import ProbeSettings  # noqa: E402

WIDTH, CALLS, AT_ONCE = (8, 20, 2) if options.quick else (16, 200, 4)
Inputs = dict[str, np.ndarray]


def export(folder: Path) -> Path:
    """VGG-16 with an analysis of every layer; its weights and images are random, which costs the same."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8), np.arange(200) % 10
    model = build_model(ModelSpec(name="vgg16", width=WIDTH))
    analysis = fm_keras.analyze(model, (images, labels), probe=ProbeSettings(epochs=1))
    return fm_keras.export(model, analysis, to=folder, name="vgg16")


def free_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return free.getsockname()[1]


@contextmanager
def served(folder: Path):
    """A client over REST, and a stub over gRPC, of a server in another process."""
    rest, rpc = free_port(), free_port()
    words = ["serve", str(folder), "--rest-port", str(rest), "--grpc-port", str(rpc), "--quiet"]
    server = subprocess.Popen([sys.executable, "-m", "fm_keras_cli", *words], stdout=subprocess.DEVNULL)
    try:
        with (
            Client(f"http://127.0.0.1:{rest}", model="vgg16") as client,
            grpc.insecure_channel(f"127.0.0.1:{rpc}") as channel,
        ):
            wait_until_ready(client, server)
            yield client, PredictionServiceStub(channel)
    finally:
        server.terminate()
        server.wait()


def wait_until_ready(client: Client, server: subprocess.Popen) -> None:
    """Return when the model is available."""
    while server.poll() is None:
        try:
            client.status()
            return
        except ServerError:
            time.sleep(0.2)
    raise SystemExit("The server ended before it was ready.")


def over_grpc(stub: PredictionServiceStub, signature: str, inputs: Inputs) -> Inputs:
    """One call over gRPC, arrays to arrays."""
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "vgg16", signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return {name: tf.make_ndarray(each) for name, each in stub.Predict(request, timeout=60).outputs.items()}


def directly(loaded, signature: str, inputs: Inputs) -> Inputs:
    """One call of the loaded signature, arrays to arrays."""
    found = loaded.signatures[signature](**{name: tf.constant(values) for name, values in inputs.items()})
    return {name: values.numpy() for name, values in found.items()}


def latencies(tasks: dict[str, Callable[[], object]]) -> dict[str, np.ndarray]:
    """Seconds of every call, taken in turn, so that all see the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for call in range(CALLS + 5):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if call >= 5:
                seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def rate(callers: list[Callable[[], object]]) -> float:
    """Calls a second, with so many callers at once."""
    start = time.perf_counter()
    with ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(lambda call: [call() for _ in range(CALLS // len(callers))], callers))
    return CALLS // len(callers) * len(callers) / (time.perf_counter() - start)


def over_rest(clients: list[Client], signature: str, inputs: Inputs) -> list[Callable[[], object]]:
    """The same call by each client."""
    return [lambda client=client: client.call(signature, inputs) for client in clients]


def measure(title: str, signature: str, inputs: Inputs, loaded, clients: list[Client], stub) -> None:
    """Print a table for one kind of request."""
    callers = {
        "directly": [lambda: directly(loaded, signature, inputs)] * AT_ONCE,
        "gRPC": [lambda: over_grpc(stub, signature, inputs)] * AT_ONCE,
        "REST": over_rest(clients, signature, inputs),
    }
    if "image" in inputs:
        pictures = [png(image) for image in inputs["image"]]
        callers["REST, as PNG"] = over_rest(clients, "image_bytes", {"image_bytes": pictures})
    seconds = latencies({name: calls[0] for name, calls in callers.items()})
    rates = {name: rate(calls) for name, calls in callers.items()}
    print(f"\n### {title}\n\n| | p50, ms | p99, ms | p50, ratio to directly | requests/s, {AT_ONCE} at once |")
    print("| --- | --- | --- | --- | --- |")
    base = np.median(seconds["directly"])
    for name, values in seconds.items():
        p50, p99 = np.percentile(values, [50, 99])
        print(f"| {name} | {1000 * p50:.3g} | {1000 * p99:.3g} | {p50 / base:.3g} | {rates[name]:.3g} |")


def main() -> None:
    """All kinds of requests, to one server."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (32, 32, 32, 3)).astype(np.float32)
    layers, filters = np.full(256, 12, np.int32), np.arange(256, dtype=np.int32) % (8 * WIDTH)
    asked = {"layer_index": layers, "filter_index": filters}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        loaded = tf.saved_model.load(str(export(Path(folder))))
        client, stub = stack.enter_context(served(Path(folder)))
        others = [stack.enter_context(Client(client.url, model="vgg16")) for _ in range(AT_ONCE - 1)]
        to = (loaded, [client, *others], stub)
        measure(f"One image, VGG-16 width {WIDTH}", "serving_default", {"image": images[:1]}, *to)
        measure("A batch of 32 images", "serving_default", {"image": images}, *to)
        measure("One filter", "filter_quality", {name: values[:1] for name, values in asked.items()}, *to)
        measure("256 filters in one request", "filter_quality", asked, *to)
        measure("256 fields of 10 x 10 in one request", "filter_field", asked, *to)
    print(f"\nTargets: 256 filters over gRPC within 3 ms at p50; batches of 32 within 1.25 over gRPC. {machine()}.")


main()
