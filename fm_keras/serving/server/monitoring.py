"""monitoring.config: whether there is a page of metrics, and at which path."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fm_keras.errors import InvalidInput
from fm_keras.serving.server.hosting import read_text_message

if TYPE_CHECKING:
    from google.protobuf.message import Message

MONITORING_CONFIG = "monitoring.config"
METRICS_PATH = "/monitoring/prometheus/metrics"


def read_metrics_path(path: Path) -> str | None:
    """Path of the metrics that a monitoring.config names; None where it switches them off.

    Raises:
        InvalidInput: no such file, another content, or a path that does not begin with a slash.
    """
    config = read_text_message(path, _message_type()()).prometheus_config
    if not config.enable:
        return None
    if config.path and not config.path.startswith("/"):
        raise InvalidInput(f"{path}: the path {config.path!r} of the metrics begins with a slash.")
    return config.path or METRICS_PATH


@cache
def _message_type() -> type[Message]:
    """MonitoringConfig of monitoring_config.proto, which the package tensorflow-serving-api leaves out."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="fm_keras/monitoring_config.proto", package="fm_keras")
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=field.TYPE_BOOL, label=field.LABEL_OPTIONAL)
    prometheus.field.add(name="path", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    file.message_type.add(name="MonitoringConfig").field.add(
        name="prometheus_config",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".fm_keras.PrometheusConfig",
        label=field.LABEL_OPTIONAL,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("fm_keras.MonitoringConfig"))
