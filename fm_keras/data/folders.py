"""Images from a folder: one folder a label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fm_keras.data.datasets import Dataset, Split
from fm_keras.data.selection import hold_out
from fm_keras.errors import DataNotFound, InvalidInput
from fm_keras.progress import Progress, Step, silent


def load_folder(path: Path, *, name: str, progress: Progress = silent) -> Dataset:
    """Data set of the images in PATH/LABEL/, or in PATH/train/LABEL/ and PATH/test/LABEL/.

    Labels are numbered by name (by value where all are numbers).  All images must have one size; they are grey if
    every file is grey, else RGB.  Without PATH/train and PATH/test a seeded, stratified fifth is held out.

    Raises:
        DataNotFound: there is no such folder.
        InvalidInput: no label folders, a label without images, a file that is no 8-bit image, or unequal sizes.
    """
    if not path.is_dir():
        raise DataNotFound(f"{name}: there is no folder {path}.")
    roots = [path / "train", path / "test"] if (path / "train").is_dir() and (path / "test").is_dir() else [path]
    label_names = _label_names(roots[0], name)
    listed = [_list_images(root, label_names, name) for root in roots]
    files = [file for of_split, _ in listed for file in of_split]
    labels = np.concatenate([of_split for _, of_split in listed])
    images = _read_images(files, name, progress)
    whole = Split(images, labels)
    if len(roots) == 1:
        train, test = hold_out(whole)
    else:
        first = len(listed[0][0])
        train, test = whole.take(slice(0, first)), whole.take(slice(first, None))
    return Dataset(name, train, test, label_names)


def _label_names(root: Path, name: str) -> tuple[str, ...]:
    names = [folder.name for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    if len(names) < 2:
        raise InvalidInput(f"{name} must hold one folder a label, at least two; {root} holds {len(names)}.")
    numbers = all(label.isdecimal() for label in names)
    return tuple(sorted(names, key=lambda label: (int(label) if numbers else 0, label)))


def _list_images(root: Path, label_names: Sequence[str], name: str) -> tuple[list[Path], np.ndarray]:
    """Image files of all labels, and their label numbers."""
    beyond = sorted(set(_label_names(root, name)) - set(label_names))
    if beyond:
        raise InvalidInput(f"{name}: {root} has labels that train has not: {', '.join(beyond)}.")
    suffixes = Image.registered_extensions()
    files, labels = [], []
    for number, label in enumerate(label_names):
        folder = root / label
        found = sorted(file for file in folder.glob("[!.]*") if file.suffix.lower() in suffixes)
        if not found:
            raise InvalidInput(f"{name}: there is no image in {folder}. Add some, or remove the folder.")
        files += found
        labels += [number] * len(found)
    return files, np.array(labels)


def _read_images(files: Sequence[Path], name: str, progress: Progress) -> np.ndarray:
    """(N, H, W, C) uint8 pixels, C = 1 if all files are grey, else 3."""
    size, grey = _common_format(files, name)
    images = np.empty((len(files), size[1], size[0], 1 if grey else 3), dtype=np.uint8)
    for number, file in enumerate(files):
        try:
            with Image.open(file) as image:
                pixels = np.asarray(image.convert("L" if grey else "RGB"))
        except OSError as error:
            raise InvalidInput(f"{name}: {file} cannot be read as an image ({error}). Remove or replace it.") from None
        images[number] = pixels.reshape(images.shape[1:])
        progress(Step(f"reading {name}", number + 1, len(files)))
    return images


def _common_format(files: Sequence[Path], name: str) -> tuple[tuple[int, int], bool]:
    """Width and height of all images, and whether all are grey; reads their headers only."""
    size, grey = None, True
    for file in files:
        try:
            with Image.open(file) as image:
                found, mode = image.size, image.mode
        except OSError:
            raise InvalidInput(f"{name}: {file} cannot be read as an image. Remove or replace it.") from None
        if mode[0] in "IF":
            raise InvalidInput(f"{name}: {file} has more than 8 bits a channel (mode {mode}). Save it with 8 bits.")
        size = size or found
        if found != size:
            raise InvalidInput(
                f"{name}: all images must have one size; {files[0]} is {size[0]} x {size[1]} (width x height), "
                f"{file} is {found[0]} x {found[1]}. Resize them first."
            )
        grey = grey and mode in ("1", "L", "LA")
    return size, grey
