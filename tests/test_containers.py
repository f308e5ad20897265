"""Dockerfile, compose.yaml and the configs of saved_models/: what can be checked without a container engine."""

import re
from pathlib import Path

import pytest

from fm_keras.serving.client.client import _FILTERS_AT_ONCE
from fm_keras.serving.server.hosting import MODELS_CONFIG

HOME = Path(__file__).parent.parent
DOCKERFILE = (HOME / "Dockerfile").read_text("utf-8")
COMPOSE = (HOME / "compose.yaml").read_text("utf-8")
SAVED_MODELS = HOME / "saved_models"
STAGES = re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)
COPIED = [word for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]


def batching_parameters():
    """BatchingParameters of session_bundle_config.proto, which the package tensorflow-serving-api leaves out."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="tests/batching.proto", package="tests", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="BatchingParameters")
    names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    for number, name in enumerate(names, start=1):
        message.field.add(
            name=name,
            number=number,
            type=kind.TYPE_MESSAGE,
            type_name=".google.protobuf.Int64Value",
            label=kind.LABEL_OPTIONAL,
        )
    message.field.add(name="allowed_batch_sizes", number=6, type=kind.TYPE_INT64, label=kind.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.BatchingParameters"))()


def parsed(name, message):
    from google.protobuf import text_format

    return text_format.Parse((SAVED_MODELS / name).read_text("utf-8"), message)


@pytest.mark.tensorflow
def test_models_config_and_the_fields_that_its_comments_show_are_what_tensorflow_serving_reads(tmp_path):
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

    from fm_keras.serving import add_to_models_config

    text = add_to_models_config(tmp_path, "mine").read_text("utf-8")
    assert text_format.Parse(text, ModelServerConfig()).WhichOneof("config") == "model_config_list"
    shown = [re.sub(r"\s*#.*", "", line.removeprefix("#   ")) for line in text.splitlines() if line.startswith("#   ")]
    example = text_format.Parse("\n".join(shown), ModelConfig())
    assert list(example.model_version_policy.specific.versions) == [1, 2]
    assert dict(example.version_labels) == {"stable": 1}


@pytest.mark.tensorflow
def test_batching_config_lets_the_largest_request_of_the_client_through():
    found = parsed("batching.config", batching_parameters())
    assert found.max_batch_size.value >= _FILTERS_AT_ONCE
    assert found.max_enqueued_batches.value > 0


@pytest.mark.tensorflow
def test_monitoring_config_names_the_path_that_the_embedded_server_reads():
    from fm_keras.serving.server.monitoring import METRICS_PATH, read_metrics_path

    assert read_metrics_path(SAVED_MODELS / "monitoring.config") == METRICS_PATH


def test_the_targets_and_folders_of_compose_exist():
    assert set(re.findall(r"^ +target: (\w+)$", COMPOSE, re.MULTILINE)) == set(STAGES)
    for folder in re.findall(r"^ +- (\./\w+):", COMPOSE, re.MULTILINE):
        assert (HOME / folder).is_dir()


def test_the_command_line_is_what_is_built_unless_told_otherwise():
    assert STAGES == ["serving", "cli"]
    last = DOCKERFILE[DOCKERFILE.index("AS cli") :]
    assert 'ENTRYPOINT ["fm-keras"]' in last


def test_no_port_of_compose_is_open_to_other_machines():
    ports = re.findall(r"^ +- (\S+:\d+:\d+)$", COMPOSE, re.MULTILINE)
    assert ports == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]


@pytest.mark.parametrize("source", sorted(set(COPIED)))
def test_what_is_copied_exists_and_is_not_ignored(source):
    assert (HOME / source).exists()
    assert f"!{source}" in (HOME / ".dockerignore").read_text("utf-8").splitlines()


def test_the_configs_that_the_server_is_started_with_are_there():
    named = set(re.findall(r"/models/(\w+\.config)", DOCKERFILE))

    assert named == {MODELS_CONFIG, "monitoring.config"}
    assert all((SAVED_MODELS / config).is_file() for config in named)
