"""Images from an .npz file, read without pickle."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from fm_keras.data.arrays import as_dataset
from fm_keras.data.datasets import Dataset
from fm_keras.errors import DataNotFound, InvalidInput

SPLIT_KEYS = ("x_train", "y_train", "x_test", "y_test")
WHOLE_KEYS = ("images", "labels")


def load_npz(path: Path, *, name: str) -> Dataset:
    """Data set of the arrays x_train, y_train, x_test, y_test, or images and labels, and optionally label_names.

    Images (N, H, W) get a channel axis.  Without test arrays a seeded, stratified fifth is held out.

    Raises:
        DataNotFound: there is no such file.
        InvalidInput: no .npz file, damaged, with Python objects, or without the arrays above.
    """
    if not path.is_file():
        raise DataNotFound(f"{name}: there is no file {path}.")
    arrays = _read(path, name)
    label_names = [str(label) for label in arrays["label_names"]] if "label_names" in arrays else None
    if all(key in arrays for key in SPLIT_KEYS):
        x, y, *test = (arrays[key] for key in SPLIT_KEYS)
        test = (_with_channels(test[0]), test[1])
    elif all(key in arrays for key in WHOLE_KEYS):
        x, y, test = arrays["images"], arrays["labels"], None
    else:
        there = ", ".join(arrays) or "nothing"
        raise InvalidInput(
            f"{name} must hold {', '.join(SPLIT_KEYS)}, or {' and '.join(WHOLE_KEYS)}; it holds {there}."
        )
    try:
        return as_dataset(_with_channels(x), y, test=test, label_names=label_names, name=name)
    except InvalidInput as error:
        message = str(error)
        raise InvalidInput(message if message.startswith(name) else f"{name}: {message}") from None


def _read(path: Path, name: str) -> dict[str, np.ndarray]:
    reason = "it is damaged or no .npz file"
    try:
        if zipfile.is_zipfile(path):
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            reason = "it holds Python objects"
    raise InvalidInput(f"{name} cannot be read: {reason}. Write it with np.savez from arrays of numbers.")


def _with_channels(images: np.ndarray) -> np.ndarray:
    return images[..., None] if images.ndim == 3 else images
