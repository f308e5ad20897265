"""Files that are written whole or not at all, and arrays without pickle."""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np

from fm_keras.errors import BadRun

_FREE_SPACE = "Free some space there and repeat the command: what was finished is kept."
_OTHER_FOLDER = "Choose a folder that you may write to."
_OTHER_NAME = "Something else has that name: move it away or choose another."
_PARTIAL = ".partial-"
_ADVICE = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EACCES: _OTHER_FOLDER,
    errno.EPERM: _OTHER_FOLDER,
    errno.EROFS: _OTHER_FOLDER,
    errno.EEXIST: _OTHER_NAME,
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOTDIR: _OTHER_NAME,
}


@contextmanager
def disk_errors_in_one_line(path: Path) -> Iterator[None]:
    """Turn a full disk, a missing permission or a name that is taken into one line.

    Args:
        path: what is being written, named if the operating system names no file.

    Raises:
        BadRun: the file, what the operating system says, and what would do.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _ADVICE:
            raise
        partial = error.filename is None or Path(os.fsdecode(error.filename)).name.startswith(_PARTIAL)
        raise BadRun(f"{path if partial else error.filename}: {error.strerror}. {_ADVICE[error.errno]}") from error


@contextmanager
def write_beside(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all: beside its place, then renamed.

    Args:
        path: where the file shall be, folders made if need be; what is there stays until the new file is complete.

    Yields:
        The path to write to, in the same folder and with the same suffix.

    Raises:
        BadRun: no space or no permission.
    """
    partial = path.with_name(f"{_PARTIAL}{os.getpid()}-{path.name}")
    with disk_errors_in_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all: beside its place, then renamed.

    Args:
        path: where the folder shall be; what is there stays until the new one is complete.

    Yields:
        The empty folder to write to.

    Raises:
        BadRun: no space or no permission.
    """
    partial = path.with_name(f"{_PARTIAL}{os.getpid()}-{path.name}")
    with disk_errors_in_one_line(path):
        for leftover in path.parent.glob(f".*-*-{glob.escape(path.name)}"):
            if re.fullmatch(rf"\.(partial|old)-\d+-{re.escape(path.name)}", leftover.name):
                shutil.rmtree(leftover)
        partial.mkdir(parents=True)
        try:
            yield partial
            _put_in_place(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to one .npz file.

    Args:
        path: file that ends in .npz.
        arrays: the arrays by name, of any shapes.

    Raises:
        BadRun: no space or no permission.
    """
    with write_beside(path) as partial:
        np.savez(partial, **arrays)


def load_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read the arrays of one .npz file, which must be exactly those expected.

    Args:
        path: file that `save_arrays` wrote.
        names: the arrays it must hold.

    Returns:
        The arrays by name.

    Raises:
        BadRun: the file is missing, damaged, or holds other arrays.
    """
    if path.exists() and not zipfile.is_zipfile(path):  # NumPy would advise to unpickle it
        raise BadRun(f"{path} is damaged: expected the arrays {', '.join(names)}, found no .npz file.")
    try:
        # NumPy leaves a file open that it cannot make sense of, so it is opened here.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = list(arrays)
            if set(found) == set(names):
                return {name: arrays[name] for name in names}
    except FileNotFoundError:
        raise BadRun(f"{path} is missing: expected a file with the arrays {', '.join(names)}.") from None
    # NumPy says ValueError where it finds pickled objects, zlib.error or EOFError where the content breaks off.
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadRun(f"{path} is damaged: expected the arrays {', '.join(names)}, found {error}.") from error
    raise BadRun(f"{path}: expected the arrays {', '.join(names)}, found {', '.join(found) or 'none'}.")


def layer_file_name(layer: str) -> str:
    """File name of a layer or cut, such as block%2Fconv for block/conv; `urllib.parse.unquote` gives it back."""
    return quote(layer, safe="")


def _put_in_place(partial: Path, final: Path) -> None:
    """Rename a complete folder; an old one is moved aside first and removed afterwards."""
    old = final.with_name(f".old-{os.getpid()}-{final.name}")
    if final.exists():
        final.rename(old)
    partial.rename(final)
    shutil.rmtree(old, ignore_errors=True)
