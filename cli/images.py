"""The images of a command, with bars while they are downloaded or read."""

from __future__ import annotations

from pathlib import Path
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
    from fm_keras.data import describe_sources, own_files

    if settings.dataset == "digits" or own_files(settings.dataset):
        return None
    where = describe_sources(settings.data_dir).set_index("name")["where"].get(settings.dataset)
    if where is None and not Path(settings.dataset).is_dir():  # of a folder, reading it says how it is named
        where = "download, if tensorflow-datasets has it"
    return None if where is None or where.startswith("prepared") else where


def data_record(dataset: Dataset) -> DataRecord:
    """What run.json says about the images."""
    return DataRecord(name=dataset.name, train=len(dataset.train), test=len(dataset.test), hash=dataset.content_hash)
