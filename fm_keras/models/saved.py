"""Models from .keras files, and in one line why a file is none."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import keras

from fm_keras.errors import InvalidInput


def read_model(path: str | Path, *, modules: Iterable[str] = ()) -> keras.Model:
    """A model from a .keras file, in Keras' safe mode.

    Args:
        path: file that `model.save` wrote.
        modules: modules to import first, which register custom layers with
            `keras.saving.register_keras_serializable`.

    Raises:
        InvalidInput: no such file, no .keras file, damaged, or with layers that Keras does not know.
    """
    path = Path(path)
    for module in modules:
        _import(module)
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise InvalidInput(f"{path} is damaged or no Keras model. It must be a .keras file, as model.save writes it.")
    try:
        return keras.saving.load_model(path, compile=False)
    # Keras turns what goes wrong inside a file into errors of many kinds.
    except Exception as error:
        raise InvalidInput(f"{path} cannot be read: {_reason(error)}") from error


def _import(module: str) -> None:
    try:
        import_module(module)
    except ImportError as error:
        raise InvalidInput(f"Module {module!r} cannot be imported: {error}.") from error


def _reason(error: Exception) -> str:
    """One line that says what would do."""
    text = str(error)
    unknown = re.search(r"Could not locate class '([^']+)'", text)
    if unknown:
        return (
            f"Keras does not know its layer {unknown.group(1)!r}. Import the module that registers it "
            "(--import MODULE, read_model(..., modules=[...]))."
        )
    if "Lambda" in text and "safe_mode" in text:
        return "it holds a Lambda layer, which can run any code. Write it as a layer of your own and save it again."
    return f"{text.strip().splitlines()[0] if text.strip() else type(error).__name__}. Save the model again."
