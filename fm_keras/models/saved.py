"""Models from .keras files, and in one line why a file is none."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import keras

from fm_keras.errors import InvalidInput
from fm_keras.models.constraints import KeepMask

# Named here, so that whoever reads a model in mid-training has the constraint imported.
_OURS = {"fm_keras>KeepMask": KeepMask}


def read_model(path: str | Path, *, modules: Iterable[str] = ()) -> keras.Model:
    """A model from a .keras file, in Keras' safe mode, not compiled.

    Args:
        path: file that `model.save` wrote.
        modules: modules to import first, which register custom layers with
            `keras.saving.register_keras_serializable`.

    Raises:
        InvalidInput: no such file, no .keras file, damaged, or with layers that Keras does not know.
    """
    return _read(Path(path), modules, compiled=False)


def load_model(path: str | Path, *, modules: Iterable[str] = ()) -> keras.Model:
    """A model in mid-training from a .keras file: compiled, with its optimizer's state, its masks held.

    Args:
        path: file that `model.save` wrote of a compiled model, for example of one from
            `fm_keras.pruning.hold_masks`.
        modules: modules to import first, which register custom layers, losses or metrics with
            `keras.saving.register_keras_serializable`.

    Returns:
        The model as it was saved: `fit` goes on from there.  One that was saved uncompiled is not compiled.  Keras
        does not save how far random layers such as dropout have drawn: they draw from their start again.

    Raises:
        InvalidInput: no such file, no .keras file, damaged, or with parts that Keras does not know.
    """
    return _read(Path(path), modules, compiled=True)


def _read(path: Path, modules: Iterable[str], *, compiled: bool) -> keras.Model:
    for module in modules:
        _import(module)
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise InvalidInput(f"{path} is damaged or no Keras model. It must be a .keras file, as model.save writes it.")
    try:
        return keras.saving.load_model(path, custom_objects=_OURS, compile=compiled)
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
