"""Settings of the whole test run, what is skipped where something is missing, and what many tests use."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported, so it comes first

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fm_keras.errors import FmKerasError
from fm_keras.records import DataRecord, RunRecord, dump_settings
from fm_keras.runs import Run
from fm_keras.settings import ModelSpec, TrainSettings


def prepared_cifar10() -> bool:
    folder = os.environ.get("TFDS_DATA_DIR")
    return folder is not None and any(Path(folder).glob("cifar10/*/dataset_info.json"))


def pytest_collection_modifyitems(items):
    missing = {}
    if find_spec("tensorflow") is None:
        missing["tensorflow"] = "TensorFlow is not installed"
    if not prepared_cifar10():
        missing["cifar"] = "TFDS_DATA_DIR names no folder with prepared CIFAR-10"
    for item in items:
        for marker in item.iter_markers():
            if marker.name in missing:
                item.add_marker(pytest.mark.skip(reason=missing[marker.name]))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def message_of():
    """The message of our own error that a call ends in, which is one line."""

    def message(call, *arguments):
        with pytest.raises(FmKerasError) as caught:
            call(*arguments)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return message


@pytest.fixture
def record_of():
    """What a run shall be: VGG-16 on digits unless said otherwise."""

    def record(*, width=16, dataset="digits", content="d0"):
        settings = {"model": ModelSpec(width=width), "train": TrainSettings()}
        data = DataRecord(name=dataset, train=1437, test=360, hash=content)
        return RunRecord(settings=dump_settings(settings), seed=0, data=data, command=f"fm-keras run {dataset}")

    return record


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def run(root, record_of):
    return Run.create("digits-vgg16", record_of(), root)
