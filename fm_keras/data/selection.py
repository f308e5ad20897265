"""Part of a data set: a held-out share, chosen labels, equally many images of every label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fm_keras.data.datasets import Dataset, Split, check_labels
from fm_keras.errors import InvalidInput


def stratified_split(labels: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices to keep and indices to hold out, with the same share of every label.

    Args:
        labels: (N,) whole numbers.
        share: share to hold out, between 0 and 1.  Of a label with several images at least one is held out and
            at least one kept; a single image is kept.
        seed: seed of the choice.

    Returns:
        Two ascending index arrays that together hold 0..N-1.

    Raises:
        InvalidInput: a share outside (0, 1), or nothing that could be held out.
    """
    if not 0 < share < 1:
        raise InvalidInput(f"The share to hold out must lie between 0 and 1; received {share}.")
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held_out[members[:count]] = True
    if not held_out.any():
        raise InvalidInput("No label has two images, so none can be held out for testing; give test images.")
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def hold_out(split: Split, *, share: float = 0.2, seed: int = 0) -> tuple[Split, Split]:
    """Train and test split of one set of images: a seeded, stratified share is held out."""
    kept, held_out = stratified_split(split.labels, share, seed)
    return split.take(kept), split.take(held_out)


def choose_labels(dataset: Dataset, labels: Sequence[str | int]) -> Dataset:
    """Only the images of these labels, renumbered 0..K-1 in the order given.

    Args:
        dataset: any data set.
        labels: names, or numbers (also as text); a name wins over a number.

    Raises:
        InvalidInput: an unknown or repeated label, or one that has no image in a split.
    """
    old = [_label_number(dataset, label) for label in labels]
    repeated = [label for label, number in zip(labels, old) if old.count(number) > 1]
    if repeated:
        raise InvalidInput(f"{dataset.name}: each label can be chosen once; repeated: {', '.join(map(str, repeated))}.")
    new_number = np.full(dataset.labels, -1)
    new_number[old] = np.arange(len(old))
    names = tuple(dataset.label_names[number] for number in old)
    splits = [_renumber(split, new_number, dataset.name, names) for split in (dataset.train, dataset.test)]
    chosen = Dataset(dataset.name, *splits, names)
    check_labels(chosen, "train")
    check_labels(chosen, "test")
    return chosen


def limit_images(dataset: Dataset, limit: int) -> Dataset:
    """At most `limit` images of each split, equally many of every label: the first ones of each, in their order.

    A label that has fewer keeps all it has; the others do not make up for it.

    Raises:
        InvalidInput: a limit below the number of labels.
    """
    if limit < dataset.labels:
        raise InvalidInput(
            f"{dataset.name}: a limit of {limit} images cannot hold {dataset.labels} labels. "
            f"Raise it to {dataset.labels} or more, or choose fewer labels."
        )
    each = limit // dataset.labels
    train, test = (split.take(_first_of_each(split.labels, each)) for split in (dataset.train, dataset.test))
    return Dataset(dataset.name, train, test, dataset.label_names)


def choose_images(split: Split, count: int | None, *, labels: int, seed: int = 0) -> Split:
    """At most `count` images, equally many of every label: a seeded choice, in the order of the split.

    Args:
        split: images, which need not be of every label.
        count: how many; None or more than there are: all.
        labels: number of labels, K.
        seed: seed of the choice.

    Raises:
        InvalidInput: a count below the number of labels.
    """
    if count is None or count >= len(split):
        return split
    if count < labels:
        raise InvalidInput(f"{count} images cannot hold {labels} labels. Take {labels} or more.")
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(split.labels == label))[: count // labels] for label in range(labels)]
    return split.take(np.sort(np.concatenate(chosen)))


def _label_number(dataset: Dataset, label: str | int) -> int:
    if str(label) in dataset.label_names and not isinstance(label, (int, np.integer)):
        return dataset.label_names.index(str(label))
    if str(label).isdecimal() and int(label) < dataset.labels:
        return int(label)
    shown = ", ".join(dataset.label_names[:10]) + (", ..." if dataset.labels > 10 else "")
    raise InvalidInput(f"{dataset.name} has no label {label!r}. Labels 0 to {dataset.labels - 1}: {shown}.")


def _renumber(split: Split, new_number: np.ndarray, name: str, chosen: tuple[str, ...]) -> Split:
    kept = np.flatnonzero(new_number[split.labels] >= 0)
    if len(kept) == 0:
        raise InvalidInput(f"{name}: a split has no image of the labels {', '.join(chosen)}. Choose others.")
    part = split.take(kept)
    return Split(part.images, new_number[part.labels])


def _first_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    firsts = [np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(firsts))
