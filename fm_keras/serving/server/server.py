"""The embedded server: REST and gRPC over one store of models, started and stopped together."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import uvicorn

from fm_keras.errors import InvalidInput
from fm_keras.serving.server.grpc_services import grpc_handlers
from fm_keras.serving.server.hosting import MODELS_CONFIG, hosted_models, read_models_config
from fm_keras.serving.server.metrics import Metrics
from fm_keras.serving.server.monitoring import METRICS_PATH, MONITORING_CONFIG, read_metrics_path
from fm_keras.serving.server.replay import load_warm
from fm_keras.serving.server.rest import RestLimits, rest_app
from fm_keras.serving.server.store import Report, Store
from fm_keras.settings import ServeSettings

if TYPE_CHECKING:
    import grpc

Content = TypeVar("Content")
_MIB = 2**20


class Server:
    """Hosts a folder of SavedModels as TensorFlow Serving does, where that cannot run.

    Starts when it is entered, with every model that is there loaded; stops when it is left, with the requests in
    flight answered.

    Args:
        folder: of models, `<name>/<version>/saved_model.pb`.
        settings: addresses and limits.
        models_config: file with version policies, labels and models elsewhere; `models.config` in the folder if None
            and there is one.
        monitoring_config: file with the path of the metrics; `monitoring.config` in the folder likewise.
        report: told of every version of a model that became available, failed or was unloaded.

    Raises:
        InvalidInput: no such folder, a config that cannot be read, or an address that is taken.
    """

    def __init__(
        self,
        folder: Path,
        settings: ServeSettings | None = None,
        *,
        models_config: Path | None = None,
        monitoring_config: Path | None = None,
        report: Report = lambda name, version: None,
    ) -> None:
        self.settings = settings = settings or ServeSettings()
        if not folder.is_dir():
            raise InvalidInput(
                f"{folder}: there is no such folder. Export a model first, or name the folder of models."
            )
        config = _read(models_config, folder / MODELS_CONFIG, read_models_config)
        # Read again at every poll, as models come and go; the config is read once.
        models = partial(hosted_models, folder, config)
        models()
        self.metrics_path = _read(monitoring_config, folder / MONITORING_CONFIG, read_metrics_path, METRICS_PATH)
        self.store = Store(models, partial(load_warm, timeout=settings.timeout), report)
        self.metrics = Metrics()
        self._workers = ThreadPoolExecutor(settings.threads or 4 * (os.cpu_count() or 1), "model")
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
        self._folder = folder

    def __enter__(self) -> Self:
        self._socket = self._listen_rest()
        try:
            self._grpc = self._listen_grpc()
        except InvalidInput:
            self._socket.close()
            raise
        self.store.poll()
        self._grpc.start()
        app = rest_app(
            self.store,
            self.metrics,
            self._workers,
            RestLimits(self.settings.timeout, self.settings.max_request * _MIB),
            self.metrics_path,
        )
        config = uvicorn.Config(
            app, log_config=None, lifespan="off", timeout_graceful_shutdown=round(self.settings.drain)
        )
        self._rest = uvicorn.Server(config)
        self._rest_thread = threading.Thread(target=self._rest.run, args=([self._socket],), name="rest", daemon=True)
        self._rest_thread.start()
        self._poller.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stopping.set()
        answered = self._grpc.stop(self.settings.drain)
        self._rest.should_exit = True
        self._rest_thread.join()
        answered.wait()
        self._poller.join()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self.store.close()

    @property
    def rest_url(self) -> str:
        """Where the REST interface is."""
        return f"http://{self.settings.host}:{self._rest_port}"

    @property
    def grpc_address(self) -> str:
        """Where the gRPC interface is."""
        return f"{self.settings.host}:{self._grpc_port}"

    def _listen_rest(self) -> socket.socket:
        listening = _bound("REST", self.settings.host, self.settings.rest_port)
        listening.listen()
        self._rest_port = listening.getsockname()[1]
        return listening

    def _listen_grpc(self) -> grpc.Server:
        import grpc

        settings = self.settings
        size = settings.max_request * _MIB
        options = [
            ("grpc.max_receive_message_length", size),
            ("grpc.max_send_message_length", -1),
            # Otherwise two servers share a port without a word.
            ("grpc.so_reuseport", 0),
        ]
        server = grpc.server(self._workers, options=options)
        server.add_generic_rpc_handlers(grpc_handlers(self.store, self.metrics, self._folder))
        # gRPC itself does not say why it cannot listen, and writes to the terminal.
        _bound("gRPC", settings.host, settings.grpc_port).close()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._grpc_port = server.add_insecure_port(f"{host}:{settings.grpc_port}")
        return server

    def _poll(self) -> None:
        while not self._stopping.wait(self.settings.poll):
            try:
                self.store.poll()
            except OSError:
                continue  # The folder is away for a while; what is loaded is served on.


def _read(given: Path | None, usual: Path, read: Callable[[Path], Content], default: Content = None) -> Content:
    if given is not None:
        return read(given)
    return read(usual) if usual.exists() else default


def _bound(interface: str, host: str, port: int) -> socket.socket:
    """A socket that is bound to an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches the delay of small packets off only for sockets that say they are TCP.
    bound = socket.socket(family, proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        wrong_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        advice = f"--{interface.lower()}-port, or 0 for any" if wrong_port else "--host"
        raise InvalidInput(
            f"{interface} cannot listen at {host}:{port}: {error.strerror}. Choose another {advice}."
        ) from None
    return bound
