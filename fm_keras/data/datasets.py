"""What is learned and measured: images with labels, in a training and a test split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from fm_keras.errors import InvalidInput

Images = np.ndarray | dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels; the arrays are read-only views of what was given.

    Args:
        images: (N, H, W, C) uint8 or float32 pixels; for a user's own model any array of numbers, or a dict of
            named inputs, each with N entries.  float64, and pixels that are not uint8, are kept as float32.
        labels: (N,) whole numbers from 0.

    Raises:
        InvalidInput: no images, unequal lengths, or labels that are not whole numbers.
    """

    images: Images
    labels: np.ndarray

    def __post_init__(self) -> None:
        images, labels = self.images, np.asarray(self.labels)
        if isinstance(images, Mapping):
            images = {name: _numbers(array, f"input {name!r}") for name, array in images.items()}
        else:
            images = _numbers(images, "images")
            if images.ndim == 4 and images.dtype != np.uint8:
                images = _read_only(images.astype(np.float32, copy=False))
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            received = f"{labels.dtype} of shape {labels.shape}"
            raise InvalidInput(f"Labels must be a vector of whole numbers; received {received}.")
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", _read_only(labels.astype(np.int64, copy=False)))
        for name, array in self.inputs.items():
            if len(array) != len(labels):
                raise InvalidInput(f"There are {len(labels):,} labels but {len(array):,} {name}.")
        if len(labels) == 0:
            raise InvalidInput("A split must hold at least one image; received none.")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Every input array by name; a single one is called `images`."""
        return self.images if isinstance(self.images, dict) else {"images": self.images}

    @property
    def holds_pictures(self) -> bool:
        """Whether the images are one array (N, H, W, C), which can be flipped and shifted."""
        return isinstance(self.images, np.ndarray) and self.images.ndim == 4

    def take(self, indices: np.ndarray | slice) -> Split:
        """Split of the images at these indices, in their order."""
        chosen = {name: array[indices] for name, array in self.inputs.items()}
        return Split(chosen if isinstance(self.images, dict) else chosen["images"], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named set of labelled images.

    Args:
        name: what `load_dataset` was asked for, or a name of the user's.
        train: images to learn from.
        test: images of the same shape to measure on.
        label_names: K names, one for each label 0..K-1.

    Raises:
        InvalidInput: fewer than two or repeated label names, labels beyond them, or splits of unequal image shapes.
    """

    name: str
    train: Split
    test: Split
    label_names: tuple[str, ...]

    def __post_init__(self) -> None:
        names = tuple(str(name) for name in self.label_names)
        object.__setattr__(self, "label_names", names)
        if len(names) < 2:
            raise InvalidInput(f"{self.name}: at least two labels are needed; received {len(names)}.")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InvalidInput(f"{self.name}: label names must differ; repeated: {', '.join(repeated)}.")
        for which, split in (("train", self.train), ("test", self.test)):
            low, high = split.labels.min(), split.labels.max()
            if low < 0 or high >= len(names):
                found = f"labels from {low} to {high} in split {which}"
                raise InvalidInput(
                    f"{self.name}: {found}; with {len(names)} label names they must be 0 to {len(names) - 1}."
                )
        train, test = _shapes(self.train), _shapes(self.test)
        if train != test:
            raise InvalidInput(f"{self.name}: images are {train} in split train but {test} in split test.")

    @property
    def image_shape(self) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
        """Shape of one image; of every input by name where there are several."""
        return _shapes(self.train)

    @property
    def labels(self) -> int:
        """Number of labels, K."""
        return len(self.label_names)

    @property
    def description(self) -> str:
        """One line: name, images, shape, labels."""
        named = self.image_shape if isinstance(self.image_shape, dict) else {"": self.image_shape}
        shapes = ", ".join(f"{name} {' x '.join(map(str, shape))}".strip() for name, shape in named.items())
        return f"{self.name}: {len(self.train) + len(self.test):,} images, {shapes}, {self.labels} labels"

    @cached_property
    def content_hash(self) -> str:
        """sha256 over shapes, types and bytes of all arrays and over the label names; the set's name is left out."""
        digest = hashlib.sha256("\0".join(self.label_names).encode())
        for split in (self.train, self.test):
            for name, array in sorted({**split.inputs, "labels of the split": split.labels}.items()):
                digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
                digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()


def check_labels(dataset: Dataset, split: Literal["train", "test"] = "test") -> None:
    """Refuse a split in which a label has no image: its mean over images would not exist.

    Raises:
        InvalidInput: names the labels without an image.
    """
    present = np.unique(getattr(dataset, split).labels)
    missing = [repr(name) for label, name in enumerate(dataset.label_names) if label not in present]
    if missing:
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise InvalidInput(
            f"{dataset.name}: split {split} has no image of label {named}. "
            "Choose labels that have images, or raise the limit."
        )


def _numbers(values: np.ndarray, what: str) -> np.ndarray:
    """Read-only array of numbers, float64 as float32."""
    array = np.asarray(values)
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise InvalidInput(f"The {what} must be an array of numbers; received {array.dtype} of shape {array.shape}.")
    return _read_only(array.astype(np.float32) if array.dtype == np.float64 else array)


def _read_only(array: np.ndarray) -> np.ndarray:
    """View that cannot be written through; the array given stays writable."""
    view = array.view()
    view.flags.writeable = False
    return view


def _shapes(split: Split) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
    if isinstance(split.images, dict):
        return {name: array.shape[1:] for name, array in split.images.items()}
    return split.images.shape[1:]
