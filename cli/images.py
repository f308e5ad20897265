"""The images of a command, with bars while they are downloaded or read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fm_keras.records import DataRecord
from fm_keras.settings import DataSettings
from fm_keras_cli.bars import Bars
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.data import Dataset


def load_images(settings: DataSettings, terminal: Terminal) -> Dataset:
    """The data set of some settings."""
    from fm_keras.data import load_dataset

    with Bars(terminal, counts=True) as bars:
        return load_dataset(
            settings.dataset, settings.data_dir, labels=settings.labels, limit=settings.limit, progress=bars
        )


def not_here(settings: DataSettings) -> str | None:
    """What has to be fetched before the images can be read, in words; None if they are on this machine."""
    from fm_keras.data import describe_sources

    if settings.dataset == "digits" or settings.dataset.startswith(("folder:", "npz:")):
        return None
    sources = describe_sources(settings.data_dir).set_index("name")["where"]
    where = sources.get(settings.dataset, "download, if tensorflow-datasets has it")
    return None if where.startswith("prepared") else where


def data_record(dataset: Dataset) -> DataRecord:
    """What run.json says about the images."""
    return DataRecord(name=dataset.name, train=len(dataset.train), test=len(dataset.test), hash=dataset.content_hash)
