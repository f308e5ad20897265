"""Which data sets there are: built in, prepared in a folder, or to be downloaded.  Imports no TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from fm_keras.data.tfds import measured_split, tfds_root

DOWNLOADS = {
    # name: images in both splits, labels, shape, megabytes to download
    "mnist": (70_000, 10, "28 x 28 x 1", 12),
    "fashion_mnist": (70_000, 10, "28 x 28 x 1", 31),
    "kmnist": (70_000, 10, "28 x 28 x 1", 21),
    "emnist/balanced": (131_600, 47, "28 x 28 x 1", 562),
    "cifar10": (60_000, 10, "32 x 32 x 3", 170),
    "cifar100": (60_000, 100, "32 x 32 x 3", 169),
    "svhn_cropped": (99_289, 10, "32 x 32 x 3", 1_576),
    "eurosat": (27_000, 10, "64 x 64 x 3", 94),
    "stl10": (13_000, 10, "96 x 96 x 3", 2_640),
}
HANDWRITING_AND_NUMBERS = ("mnist", "digit", "svhn", "omniglot", "letter", "cmaterdb", "number")


def describe_sources(data_dir: str | Path | None = None) -> pd.DataFrame:
    """Table of data sets: name, images (train and test), labels, shape, where.

    Args:
        data_dir: folder of prepared tensorflow-datasets; without it TFDS_DATA_DIR, else ~/tensorflow_datasets.

    Returns:
        The built-in digits, then well-known names of tensorflow-datasets and all other image-classification sets
        that are prepared in the folder.
    """
    root = tfds_root(data_dir)
    rows = {"digits": (1_797, 10, "8 x 8 x 1", "built in")}
    for name, (*facts, megabytes) in DOWNLOADS.items():
        rows[name] = (*facts, f"download, {megabytes:,} MB")
    for info in sorted([*root.glob("*/*/dataset_info.json"), *root.glob("*/*/*/dataset_info.json")]):
        facts = _prepared_facts(info)
        if facts:
            rows[info.parent.parent.relative_to(root).as_posix()] = (*facts, f"prepared in {root}")
    columns = ["name", "images", "labels", "shape", "where"]
    return pd.DataFrame([(name, *facts) for name, facts in rows.items()], columns=columns)


def flips(dataset_name: str) -> bool:
    """Whether a picture mirrored left and right keeps its label: not so for handwriting and numbers.

    Judged by the name alone, of a folder or file by its last part: those of unknown content count as pictures.
    """
    name = dataset_name if ":" not in dataset_name else Path(dataset_name).stem
    return "fashion" in name or not any(word in name.lower() for word in HANDWRITING_AND_NUMBERS)


def _prepared_facts(info: Path) -> tuple[int, int, str] | None:
    """Images, labels and shape from the files of a prepared set; None if it is no image classification."""
    features = _read_json(info.with_name("features.json")).get("featuresDict", {}).get("features", {})
    shape = features.get("image", {}).get("image", {}).get("shape", {}).get("dimensions")
    labels = features.get("label", {}).get("classLabel", {}).get("numClasses")
    counts = {
        split["name"]: sum(map(int, split.get("shardLengths", ()))) for split in _read_json(info).get("splits", ())
    }
    if not (shape and labels and "train" in counts):
        return None
    images = counts["train"] + counts.get(measured_split(list(counts)), 0)
    return images, int(labels), " x ".join("?" if side == "-1" else side for side in shape)


def _read_json(path: Path) -> dict:
    """Content of a file that other programs wrote: empty if it is missing or damaged."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
