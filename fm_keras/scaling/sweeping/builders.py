"""A user's function from width to model, named so that another process can import it."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING

from fm_keras.errors import InvalidInput

if TYPE_CHECKING:
    import keras

Builder = Callable[[int], "keras.Model"]


def reference(build: Builder | str | None) -> str | None:
    """Name under which another process finds a function: `module:function`, or `file.py:function` of a script.

    Raises:
        InvalidInput: a lambda, a function inside another, or one that is in no file.
    """
    if build is None or isinstance(build, str):
        return build
    name, module = getattr(build, "__qualname__", f"<{type(build).__name__}>"), build.__module__
    home = getattr(sys.modules.get(module), "__file__", None)
    if "<" in name or "." in name or home is None:
        raise InvalidInput(
            f"{name} cannot be imported by another process. Write it as a function of a file and name it: "
            "build='file.py:function'."
        )
    return f"{Path(home).resolve()}:{name}" if module == "__main__" else f"{module}:{name}"


def load_function(named: str) -> Builder:
    """The function of a reference.

    Raises:
        InvalidInput: there is no such module, file or function.
    """
    place, _, name = named.rpartition(":")
    if not place or not name.isidentifier():
        raise InvalidInput(f"A function is named module:function or file.py:function; received {named!r}.")
    function = getattr(_module(place), name, None)
    if not inspect.isfunction(function):
        raise InvalidInput(f"{place} has no function {name!r}.")
    return function


def source_hash(named: str) -> str:
    """SHA-256 of the text of a function: another text makes other networks."""
    return hashlib.sha256(inspect.getsource(load_function(named)).encode()).hexdigest()


def function_name(named: str) -> str:
    """Name of the function of a reference."""
    return named.rpartition(":")[2]


def _module(place: str):
    if not place.endswith(".py"):
        try:
            return import_module(place)
        except ModuleNotFoundError as error:
            raise InvalidInput(f"Module {place} cannot be imported: {error}.") from error
    if not Path(place).is_file():
        raise InvalidInput(f"There is no file {place}.")
    spec = util.spec_from_file_location(Path(place).stem, place)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
