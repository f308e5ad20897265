"""Content hashes: what went into a stage, and whether a file is still what was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

if TYPE_CHECKING:
    import keras


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path inside the folder with forward slashes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in files}


def json_hash(document: JsonValue) -> str:
    """SHA-256 of what can be written as JSON, whatever the order of its names."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def model_hash(model: keras.Model) -> str:
    """SHA-256 of a model's config and weights.

    Two saves of one model differ in their bytes, since a .keras file holds a date: this hash does not.  Neither does
    it depend on how the model is compiled.

    Args:
        model: any Keras model that has a config; it is not changed.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps(model.get_config(), sort_keys=True, default=str).encode())
    for weight in model.weights:
        values = np.ascontiguousarray(weight.numpy())
        digest.update(f"{values.shape} {values.dtype}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
