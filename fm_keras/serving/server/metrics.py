"""What is counted, under the names that TensorFlow Serving gives to Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from fm_keras.serving.server.statuses import Code, RequestError

_COUNT = ":tensorflow:serving:request_count"
_LATENCY = ":tensorflow:serving:request_latency"
_BUCKETS = [10 * 1.8**power for power in range(33)]  # microseconds, to about 20 minutes
_MICRO = 1e6


class Metrics:
    """Requests by model and status, and how long those took that succeeded."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._count = Counter(
            _COUNT, "Requests by model and status.", ["model_name", "status"], registry=self._registry
        )
        self._latency = Histogram(
            _LATENCY,
            "Microseconds from a request to its answer.",
            ["model_name", "API", "entrypoint"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    @contextmanager
    def request(self, model: str, api: str, entrypoint: str, *, hosted: bool) -> Iterator[None]:
        """Count a request and time it.

        Args:
            model: that is asked.
            api: Predict, Classify or Regress.
            entrypoint: REST or GRPC.
            hosted: whether there is such a model; all others are counted under one name, however many are asked for.
        """
        name, start, code = model if hosted else "unknown", perf_counter(), Code.INTERNAL
        try:
            yield
            code = Code.OK
        except RequestError as error:
            code = error.code
            raise
        finally:
            self._count.labels(name, code.name).inc()
            if code is Code.OK:
                self._latency.labels(name, api, entrypoint).observe(_MICRO * (perf_counter() - start))

    def page(self) -> bytes:
        """All of it as text."""
        page = generate_latest(self._registry)
        # The library ends the name of every counter by _total; TensorFlow Serving does not.
        lines = (line for line in page.splitlines() if b"_created" not in line)
        return b"\n".join(lines).replace(f"{_COUNT}_total".encode(), _COUNT.encode()) + b"\n"
