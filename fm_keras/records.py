"""What run.json and stage.json hold, with their format checked when they are read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from fm_keras import __version__
from fm_keras.errors import BadRun
from fm_keras.files import write_beside
from fm_keras.settings import Settings

FORMAT = 1
SettingsByName = Mapping[str, Settings]
"""Settings by what they are for, such as data, model, train."""


class Record(BaseModel):
    """Content of one JSON file of a run folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1] = FORMAT

    def write(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        with write_beside(path) as partial:
            partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path, remedy: str) -> Self:
        """Read a record.

        Args:
            path: the JSON file.
            remedy: sentence for the error, that says what would do.

        Raises:
            BadRun: the file is missing, damaged or of another format.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BadRun(f"{path} is missing. {remedy}") from None
        except ValueError:
            raise BadRun(f"{path} is damaged: expected JSON. {remedy}") from None
        found = content.get("format") if isinstance(content, dict) else None
        if found != FORMAT:
            raise BadRun(f"{path}: expected format {FORMAT}, found {found!r}. {remedy}")
        try:
            return cls(**content)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise BadRun(f"{path} is damaged: {where}: {error.errors()[0]['msg'].lower()}. {remedy}") from None


class DataRecord(BaseModel):
    """The images of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    """name of the data set, as `load_dataset` takes it"""
    train: int
    """number of training images"""
    test: int
    """number of test images"""
    hash: str
    """content hash"""


class StageRecord(Record):
    """stage.json: what went into a stage, and what came out."""

    settings: dict[str, dict[str, JsonValue]]
    """settings by what they are for"""
    inputs: dict[str, str]
    """content hashes of the inputs by name, such as model and data"""
    files: dict[str, str]
    """SHA-256 of every file by its path inside the stage"""


class RunRecord(Record):
    """run.json: what marks a run."""

    settings: dict[str, dict[str, JsonValue]]
    """the settings that make this run what it is, by what they are for: data, model, train"""
    seed: int
    """seed of the whole run"""
    data: DataRecord
    """the images"""
    command: str
    """command that makes this run, and what is damaged of it, again"""
    versions: dict[str, str] = Field(default_factory=lambda: versions())
    """fm_keras, Python, NumPy, Keras and its backend, when the run was made"""

    @property
    def trains(self) -> bool:
        """Whether the network is trained in the run, not only measured there."""
        return "train" in self.settings

    def differences(self, other: RunRecord) -> list[str]:
        """What another run must not have otherwise to be the same run, such as 'model.width 16 instead of 8'."""
        return differences(self._identity(), other._identity())

    def _identity(self) -> dict[str, JsonValue]:
        return {**flat_settings(self.settings), "seed": self.seed, "content of the data": self.data.hash}


def dump_settings(settings: SettingsByName) -> dict[str, dict[str, JsonValue]]:
    """Settings as they stand in the records: plain JSON values."""
    return {name: part.model_dump(mode="json") for name, part in settings.items()}


def flat_settings(settings: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    """Settings of a record by full name, such as model.width."""
    return {f"{name}.{key}": value for name, part in settings.items() for key, value in part.items()}


def differences(mine: Mapping[str, JsonValue], others: Mapping[str, JsonValue]) -> list[str]:
    """What is otherwise, such as 'model.width 16 instead of 8'."""
    keys = [key for key in {**mine, **others} if mine.get(key) != others.get(key)]
    return [f"{key} {mine.get(key)} instead of {others.get(key)}" for key in keys]


def versions() -> dict[str, str]:
    """Versions of fm_keras, Python, NumPy, Keras and its backend, found without importing Keras."""
    backend = keras_backend()
    packages = {name: _version(name) for name in ("keras", "numpy", backend)}
    return {"fm_keras": __version__, "python": sys.version.split()[0], "backend": backend, **packages}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def keras_backend() -> str:
    """The backend that Keras runs on, or will run on when it is imported."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    if chosen := os.environ.get("KERAS_BACKEND"):
        return chosen
    config = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "keras.json"
    return json.loads(config.read_text()).get("backend", "tensorflow") if config.exists() else "tensorflow"
