"""Images from tensorflow-datasets: prepared ones first, a download only where the host answers."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fm_keras.data.datasets import Dataset, Split
from fm_keras.data.download import download
from fm_keras.data.selection import hold_out
from fm_keras.errors import InvalidInput
from fm_keras.progress import Progress, Step, silent

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder

READ_AT_ONCE = 1000
OTHER_SOURCES = "digits, folder:PATH and npz:PATH"


def tfds_root(data_dir: str | Path | None = None) -> Path:
    """Folder of prepared sets: the one given, else TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    return Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def measured_split(splits: list[str]) -> str | None:
    """Split that tests: `test`, else `validation`; None where neither is there and images must be held out."""
    return next((split for split in ("test", "validation") if split in splits), None)


def load_tfds(name: str, data_dir: str | Path | None = None, *, progress: Progress = silent) -> Dataset:
    """Image-classification set of tensorflow-datasets, read from its folder; prepared first where it is not yet.

    Raises:
        InvalidInput: an unknown name, a set without one image and one label, or images of unequal size.
        DataNotFound: a set that is not prepared and cannot be downloaded.
    """
    missing = [module for module in ("tensorflow", "tensorflow_datasets") if not _is_installed(module)]
    if missing:
        needed = f"{name!r} is looked up in tensorflow-datasets, which needs {' and '.join(missing)}"
        raise InvalidInput(f"{needed}: not installed here. Without it there are {OTHER_SOURCES}.")
    with _without_warnings():
        builder = _find_builder(name, tfds_root(data_dir))
        keys = _image_and_label(builder, name)
        if not builder.is_prepared():
            download(builder, name, tfds_root(data_dir), progress)
        return _read_prepared(builder, name, keys, progress)


def _is_installed(module: str) -> bool:
    # Looked for, not imported: TensorFlow takes seconds, which a wrong name should not cost.
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence tensorflow-datasets, which warns of every set that is not prepared yet and of its own old names."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _find_builder(name: str, root: Path) -> DatasetBuilder:
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=root)
    except (ValueError, AssertionError, ImportError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        base = name.partition("/")[0].partition(":")[0]
        if base in known:
            reason = " ".join(str(error).rpartition('}": ')[2].partition(" Here are")[0].split())
            configs = ", ".join(tfds.builder_cls(base).builder_configs) or "no configurations"
            raise InvalidInput(f"tensorflow-datasets has no {name!r}: {reason} {base} has {configs}.") from None
        close = difflib.get_close_matches(base, [*known, "digits"], n=3)
        meant = f"Did you mean {' or '.join(close)}?" if close else "`fm-keras datasets` lists names."
        meant = f"For the folder of that name say folder:{name}." if Path(name).expanduser().is_dir() else meant
        raise InvalidInput(f"There is no data set {name!r}. {meant} Besides there are {OTHER_SOURCES}.") from None


def _image_and_label(builder: DatasetBuilder, name: str) -> tuple[str, str]:
    """Names of the features that hold the image and its label."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    image, label, *_ = (*(builder.info.supervised_keys or ("image", "label")), None)
    is_image = image in features and isinstance(features[image], tfds.features.Image)
    if not (is_image and label in features and isinstance(features[label], tfds.features.ClassLabel)):
        raise InvalidInput(f"{name!r} is no image classification: it has {', '.join(features)}.")
    return image, label


def _read_prepared(builder: DatasetBuilder, name: str, keys: tuple[str, str], progress: Progress) -> Dataset:
    import tensorflow as tf

    try:
        return _read(builder, name, keys, progress)
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise InvalidInput(
            f"{name}: the files in {builder.data_path} cannot be read ({reason}). "
            "Remove that folder and prepare it again."
        ) from error


def _read(builder: DatasetBuilder, name: str, keys: tuple[str, str], progress: Progress) -> Dataset:
    _check_sizes(builder, name, keys[0])
    train = _read_split(builder, name, "train", keys, progress)
    tested = measured_split(list(builder.info.splits))
    if tested is None:
        train, test = hold_out(train)
    else:
        test = _read_split(builder, name, tested, keys, progress)
    return Dataset(name, train, test, tuple(builder.info.features[keys[1]].names))


def _check_sizes(builder: DatasetBuilder, name: str, key: str) -> None:
    """Refuse images of unequal size; reads them only where the set does not promise one size."""
    import tensorflow as tf

    shape = builder.info.features[key].shape
    if None not in shape:
        return
    seen: dict[tuple[int, ...], None] = {}
    for split in builder.info.splits:
        for example in builder.as_dataset(split=split):
            seen[tuple(tf.shape(example[key]).numpy().tolist())] = None
            if len(seen) == 3:
                break
    if len(seen) > 1:
        sizes = ", ".join(" x ".join(map(str, size)) for size in seen)
        raise InvalidInput(
            f"{name}: all images must have one size, but they are {sizes}, ... (height x width x channels). "
            "Save them resized as folder:PATH or npz:PATH."
        )


def _read_split(builder: DatasetBuilder, name: str, split: str, keys: tuple[str, str], progress: Progress) -> Split:
    import tensorflow_datasets as tfds

    if split not in builder.info.splits:
        raise InvalidInput(f"{name} has no split {split!r} to learn from. It has: {', '.join(builder.info.splits)}.")
    config = tfds.ReadConfig(try_autocache=False)
    config.options.autotune.enabled = False
    decoders = tfds.decode.PartialDecoding(dict.fromkeys(keys, True))
    examples = builder.as_dataset(split=split, read_config=config, decoders=decoders)
    total = builder.info.splits[split].num_examples
    images, labels = [], []
    for batch in examples.batch(READ_AT_ONCE).as_numpy_iterator():
        images.append(batch[keys[0]])
        labels.append(batch[keys[1]])
        progress(Step(f"reading {name} {split}", sum(map(len, labels)), total))
    return Split(np.concatenate(images), np.concatenate(labels))
