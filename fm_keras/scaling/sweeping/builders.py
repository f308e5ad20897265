"""A user's function from width to model, named so that another process can import it."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import tokenize
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
    """SHA-256 of the text that makes the networks: another one makes other networks.

    Covered is the whole file that is named, helpers and constants beside the function included, and the file that the
    function comes from if it is another one.  The block under `if __name__ == "__main__":` is not: workers never run
    it, so what a script asks for may change there.  Nor are other modules that the file imports.
    """
    place, function = named.rpartition(":")[0], inspect.unwrap(load_function(named))
    home = place if place.endswith(".py") else sys.modules[place].__file__
    files = dict.fromkeys(Path(file).resolve() for file in (home, function.__code__.co_filename))
    return hashlib.sha256("".join(map(_imported_text, files)).encode()).hexdigest()


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


def _imported_text(file: Path) -> str:
    """The text of a file without what runs only when the file is run itself."""
    with tokenize.open(file) as stream:
        text = stream.read()
    lines = text.splitlines(keepends=True)
    for part in reversed(ast.parse(text).body):
        if isinstance(part, ast.If) and _asks_for_main(part.test):
            del lines[part.lineno - 1 : part.body[-1].end_lineno]
    return "".join(lines)


def _asks_for_main(test: ast.expr) -> bool:
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")
