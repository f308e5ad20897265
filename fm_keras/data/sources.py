"""Where images come from: one name for handwritten digits, tensorflow-datasets, a folder or an .npz file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fm_keras.data.datasets import Dataset, Split
from fm_keras.data.folders import load_folder
from fm_keras.data.npz import load_npz
from fm_keras.data.selection import choose_labels, hold_out, limit_images
from fm_keras.data.tfds import load_tfds
from fm_keras.progress import Progress, silent


def load_dataset(
    name: str,
    data_dir: str | Path | None = None,
    *,
    labels: Sequence[str | int] | None = None,
    limit: int | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Images and labels by name.

    Pixels come as they are stored; the networks of fm_keras expect 0 to 255.  Images without a test split have a
    seeded, stratified fifth of them held out.

    Args:
        name: `digits` (scikit-learn's handwritten digits, no download), `folder:PATH` (one folder of images a label,
            or such folders below PATH/train and PATH/test), `npz:PATH` or a PATH that ends in .npz (arrays x_train,
            y_train, x_test, y_test, or images and labels; optionally label_names), or an image-classification name of
            tensorflow-datasets (`cifar10`, `emnist/balanced`), which is downloaded if it is not prepared.
        data_dir: folder of prepared tensorflow-datasets; without it TFDS_DATA_DIR, else ~/tensorflow_datasets.
        labels: only these labels, by name or number, renumbered in this order.  Every one must have images in both
            splits; without a choice a label may lack images (`check_labels` refuses it where that matters).
        limit: at most this many images of each split, equally many of every label.
        progress: called with a `Step` while files are downloaded (in megabytes) or read (in images).

    Raises:
        InvalidInput: an unknown name or label, or content that is no labelled set of equally large images.
        DataNotFound: a file, folder or prepared set that is not there and cannot be downloaded.
    """
    own = own_files(name)
    if name == "digits":
        dataset = _load_digits()
    elif own is None:
        dataset = load_tfds(name, data_dir, progress=progress)
    elif own[0] == "folder":
        dataset = load_folder(own[1], name=name, progress=progress)
    else:
        dataset = load_npz(own[1], name=name)
    if labels is not None:
        dataset = choose_labels(dataset, labels)
    return dataset if limit is None else limit_images(dataset, limit)


def own_files(name: str) -> tuple[str, Path] | None:
    """`folder` or `npz`, and the path, where a name means files of the user's."""
    kind, colon, path = name.partition(":")
    if colon and kind in ("folder", "npz"):
        return kind, Path(path).expanduser()
    return ("npz", Path(name).expanduser()) if name.lower().endswith(".npz") else None


def _load_digits() -> Dataset:
    """1,797 handwritten digits, 8 x 8, that come with scikit-learn; their 17 levels are spread over 0 to 255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    train, test = hold_out(Split(pixels, digits.target))
    return Dataset("digits", train, test, tuple(str(digit) for digit in range(10)))
