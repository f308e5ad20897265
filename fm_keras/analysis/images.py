"""The images that a network is measured on, as people hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from fm_keras.data import Dataset, as_dataset
from fm_keras.models.graph import is_graph
from fm_keras.training import input_names

if TYPE_CHECKING:
    import tensorflow as tf

Pair = tuple[Any, np.ndarray]


def dataset_for(
    model: keras.Model,
    dataset: Dataset | Pair | tf.data.Dataset,
    *,
    test: Pair | tf.data.Dataset | None = None,
    label_names: Sequence[str] | None = None,
) -> Dataset:
    """A data set for a model, made of arrays unless it is one; see `fm_keras.data.as_dataset`.

    Args:
        model: the one that will see the images.
        dataset: a `Dataset`; (x, y), x an array, a dict of named inputs or a list of them in the model's order; or a
            batched `tf.data.Dataset`.
        test: images to measure on, where `dataset` is none of ours; a fifth is held out if None.
        label_names: names of the labels, likewise; their numbers if None.

    Raises:
        InvalidInput: no images and labels that fit each other.
    """
    if isinstance(dataset, Dataset):
        return dataset
    x, y = _named(model, dataset) if isinstance(dataset, tuple) else (dataset, None)
    return as_dataset(x, y, test=_named(model, test) if isinstance(test, tuple) else test, label_names=label_names)


def _named(model: keras.Model, pair: Pair) -> Pair:
    """Images and labels, a list of several inputs as a dict by the names of the model's inputs."""
    x, y = pair
    names = input_names(model) if is_graph(model) else []
    return (dict(zip(names, x)) if isinstance(x, list | tuple) and len(x) == len(names) > 1 else x), y
