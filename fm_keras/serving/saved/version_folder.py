"""The next version of a served model: written beside its place, and renamed when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from filelock import FileLock

from fm_keras.files import disk_errors_in_one_line

_PARTIAL = ".partial-"


def write_next_version(base: Path, write: Callable[[Path], None]) -> Path:
    """Write a version whole or not at all; its number is the next after those that are there.

    Exports of the same model wait for each other.  Servers look at folders alone whose name is a whole number, so they
    see nothing of one that is being written.

    Args:
        base: folder of the model, made if need be.
        write: fills the folder that it is given.

    Returns:
        Folder of the new version.

    Raises:
        BadRun: no space or no permission.
    """
    partial = base / f"{_PARTIAL}{os.getpid()}"
    with disk_errors_in_one_line(base):
        base.mkdir(parents=True, exist_ok=True)
        with FileLock(base / ".lock"):
            for leftover in base.glob(f"{_PARTIAL}*"):  # of a process that died: nobody else has the lock
                shutil.rmtree(leftover)
            try:
                partial.mkdir()
                write(partial)
                _to_disk(partial)
                return _rename_to_next(partial)
            finally:
                shutil.rmtree(partial, ignore_errors=True)


def versions(base: Path) -> list[int]:
    """Numbers of the versions in a model's folder, the newest last."""
    return sorted(int(path.name) for path in base.glob("*") if path.name.isdecimal() and path.is_dir())


def _rename_to_next(partial: Path) -> Path:
    base = partial.parent
    for number in count(max(versions(base), default=0) + 1):
        final = base / str(number)
        if not final.exists():
            return partial.rename(final)


def _to_disk(folder: Path) -> None:
    """Wait until what was written would survive a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
