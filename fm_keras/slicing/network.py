"""Network fields and quality: what the network itself makes of each unit, and what losing it is expected to cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.data import Dataset, Split, check_labels, choose_images, measuring_batches
from fm_keras.distribution import spread_over
from fm_keras.errors import InvalidInput
from fm_keras.filters import BootstrapMeans, ContributionsWithout, image_costs
from fm_keras.models.graph import walk
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing.cuts import CutPoint
from fm_keras.slicing.gates import Contributions, GatedModel
from fm_keras.slicing.logits import cross_entropies

_FLOAT = 4
_ACTIVATIONS = 3  # copies: forward, backward, and what is in between
_CONTRIBUTIONS = 4  # copies: slopes, stacked slopes, contributions, and what their costs need


@dataclass(frozen=True, eq=False)
class NetworkMeasures:
    """What one pass over labeled images says about the units of some layers."""

    fields: dict[str, np.ndarray]
    """layer path -> (U, K, K) float32 in logits; empty if they were not asked for"""
    quality: dict[str, pd.DataFrame]
    """layer path -> one row per unit: quality, quality_low, quality_high in nats"""
    images: int
    """number of images, N"""
    outputs: int
    """logits of each image to which contributions were taken, M"""
    loss: float
    """mean cross entropy of the network in nats"""
    accuracy: float
    """share of the images that the network recognizes"""


def network_fields(
    model: keras.Model,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """Field that each unit puts on each of the network's own logits, averaged over the images of each label.

    F[u, i, j] = mean of c[n, u, j] over images n of label i, c the contributions of `unit_contributions`.  At the last
    cut before a single Dense layer they are the fields of the papers, with the network as its own probe.  There is a
    backward pass for every label, however many: contributions to the largest logits alone would make fields that look
    almost free of noise.

    Args:
        model: classifier with as many logits as there are labels; left as it was.
        dataset: labeled images.
        layers: paths of cuts; all if None.
        settings: split, number of images, seed, memory limit.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Layer path -> (U, K, K) float32 in logits: [unit, label of the image, output].

    Raises:
        InvalidInput: no logits to be found, other labels than logits, fields that do not fit the memory limit.
        CannotCut: no gradient reaches a layer.
        BadActivations: contributions that are NaN or infinite.

    Source: *ours*.
    """
    settings = settings or AnalysisSettings()
    return measure_network(
        model, dataset, layers=layers, settings=settings, preprocess=preprocess, progress=progress
    ).fields


def measure_network(
    model: keras.Model,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    with_fields: bool = True,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> NetworkMeasures:
    """Network fields and quality of every unit in one pass; see `network_fields` and `fm_keras.filters.removal_cost`.

    Beyond 16 labels, quality without fields takes contributions to `settings.outputs` logits of each image.

    Memory grows neither with the number of images nor, beside the fields, with the square of the number of labels.
    """
    settings = settings or AnalysisSettings()
    with spread_over(settings.devices):
        gated = GatedModel(model, layers=layers, outputs=_outputs(dataset, with_fields, settings))
        _check_labels(model, dataset, gated.labels)
        split = network_images(dataset, settings)
        streaming = _beside_fields(gated.cuts, dataset.labels, settings) if with_fields else settings
        sums = _Sums(gated.cuts, split, dataset.labels) if with_fields else None
        bootstrap = BootstrapMeans(len(split), seed=settings.seed)
        losses, hits = [], []
        for labels, found in stream_contributions(
            gated, split, settings=streaming, preprocess=preprocess, progress=progress
        ):
            costs = [image_costs(found.logits, each, labels, outputs=found.chosen) for each in found.units.values()]
            bootstrap.add(np.concatenate(costs, axis=1))
            if sums is not None:
                sums.add(labels, found)
            losses.append(cross_entropies(found.logits, labels))
            hits.append(found.logits.argmax(axis=1) == labels)
    return NetworkMeasures(
        fields={} if sums is None else sums.means(),
        quality=_by_layer(gated.cuts, bootstrap),
        images=len(split),
        outputs=gated.outputs,
        loss=float(np.concatenate(losses).mean()),
        accuracy=float(np.concatenate(hits).mean()),
    )


def stream_contributions(
    gated: GatedModel,
    split: Split,
    *,
    settings: AnalysisSettings,
    silenced: Mapping[str, Sequence[int]] | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> Iterator[tuple[np.ndarray, Contributions]]:
    """Labels and contributions of a split, in batches that fit the memory limit, with some units silenced or none."""
    size = _batch_size(gated, len(split), settings)
    steps = math.ceil(len(split) / size)
    for number, (x, y) in enumerate(measuring_batches(split, batch_size=size, preprocess=preprocess), start=1):
        labels = ops.convert_to_numpy(y)
        yield labels, gated.contributions(x, labels, silenced=silenced)
        progress(Step("network", number, steps))


def contributions_without(
    gated: GatedModel,
    split: Split,
    *,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
) -> ContributionsWithout:
    """What `fm_keras.filters.choose_units` asks: contributions of the network without some of its units.

    Args:
        gated: the network; its units are numbered through all of its cuts in depth order.
        split: images on which units are chosen; contributions to all of them are held: N U K numbers.
        settings: batch size and memory limit.
        preprocess: applied to every batch of images.

    Returns:
        Function of unit numbers, to logits (N, K) and contributions (N, U, K) without these units.
    """
    settings = settings or AnalysisSettings()
    ends = np.cumsum([cut.units for cut in gated.cuts])

    def without(removed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = zip(gated.cuts, ends - [cut.units for cut in gated.cuts], ends)
        silenced = {
            cut.layer: [int(unit - first) for unit in removed if first <= unit < end] for cut, first, end in parts
        }
        stream = stream_contributions(gated, split, settings=settings, silenced=silenced, preprocess=preprocess)
        batches = [(found.logits, np.concatenate(list(found.dense().values()), axis=1)) for _, found in stream]
        logits, contributions = zip(*batches)
        return np.concatenate(logits), np.concatenate(contributions)

    return without


def network_images(dataset: Dataset, settings: AnalysisSettings) -> Split:
    """The images over which network fields and quality are measured: equally many of every label."""
    check_labels(dataset, settings.split)
    split = getattr(dataset, settings.split)
    return choose_images(split, settings.images, labels=dataset.labels, seed=settings.seed)


def plan_network(
    model: keras.Model,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    with_fields: bool = True,
    settings: AnalysisSettings | None = None,
) -> dict[str, int]:
    """What `measure_network` would do, without doing it.

    Returns:
        images, batch_size (images a step), passes (one forward, and a backward one for each output), and memory in
        bytes.

    Raises:
        InvalidInput: as `measure_network`.
    """
    settings = settings or AnalysisSettings()
    gated = GatedModel(model, layers=layers, outputs=_outputs(dataset, with_fields, settings))
    _check_labels(model, dataset, gated.labels)
    images = len(network_images(dataset, settings))
    fields, streaming = 0, settings
    if with_fields:
        fields = fields_memory(gated.cuts, dataset.labels)
        streaming = _beside_fields(gated.cuts, dataset.labels, settings)
    batch_size = _batch_size(gated, images, streaming)
    memory = fields + batch_size * _image_memory(gated)
    return {"images": images, "batch_size": batch_size, "passes": 1 + gated.outputs, "memory": memory}


def _outputs(dataset: Dataset, with_fields: bool, settings: AnalysisSettings) -> int:
    """To how many logits of each image contributions are taken, where labels are many."""
    return dataset.labels if with_fields else settings.outputs


def _batch_size(gated: GatedModel, images: int, settings: AnalysisSettings) -> int:
    """Images a step so that what they need stays within the memory limit, at least one."""
    return int(max(1, min(settings.batch_size, images, settings.memory_limit * 1e9 // _image_memory(gated))))


def _image_memory(gated: GatedModel) -> int:
    """Bytes that activations and contributions need for each image of a step."""
    shapes = [shape for call in walk(gated.network).calls for shape in call.output_shapes]
    activations = sum(math.prod(side or 1 for side in shape[1:]) for shape in shapes)
    contributions = gated.outputs * sum(cut.units for cut in gated.cuts)
    return _FLOAT * (_ACTIVATIONS * activations + _CONTRIBUTIONS * contributions)


def fields_memory(cuts: Iterable[CutPoint], labels: int) -> int:
    """Bytes that the network fields of some cuts take, with the sums that they are made from."""
    return 2 * _FLOAT * labels**2 * sum(cut.units for cut in cuts)


def _beside_fields(cuts: Sequence[CutPoint], labels: int, settings: AnalysisSettings) -> AnalysisSettings:
    """The same settings with the memory that all fields leave."""
    need, limit = fields_memory(cuts, labels) / 1e9, settings.memory_limit
    if need >= limit:
        raise InvalidInput(
            f"Network fields of {sum(cut.units for cut in cuts):,} units and {labels:,} labels take {need:.2g} GB, "
            f"which the memory limit of {limit:g} GB does not hold. Choose fewer layers or labels, or raise the limit."
        )
    return settings.changed(memory_limit=limit - need)


class _Sums:
    """Sums of contributions over the images of each label."""

    def __init__(self, cuts: list[CutPoint], split: Split, labels: int) -> None:
        self._counts = np.bincount(split.labels, minlength=labels).astype(np.float32)
        self._totals = {cut.layer: np.zeros((labels, cut.units, labels), np.float32) for cut in cuts}

    def add(self, labels: np.ndarray, found: Contributions) -> None:
        """Add the contributions of a batch."""
        for layer, values in found.units.items():
            for label in np.unique(labels):
                self._totals[layer][label] += values[labels == label].sum(axis=0)

    def means(self) -> dict[str, np.ndarray]:
        """Layer path -> (U, K, K)."""
        return {
            layer: np.ascontiguousarray((total / self._counts[:, None, None]).transpose(1, 0, 2))
            for layer, total in self._totals.items()
        }


def _check_labels(model: keras.Model, dataset: Dataset, logits: int) -> None:
    if logits != dataset.labels:
        raise InvalidInput(
            f"Model {model.name!r} has {logits} logits, but {dataset.name} has {dataset.labels} labels. Network "
            "fields and quality need one logit for each label; probe fields do not."
        )


def _by_layer(cuts: list[CutPoint], bootstrap: BootstrapMeans) -> dict[str, pd.DataFrame]:
    low, high = bootstrap.interval()
    table = pd.DataFrame({"quality": bootstrap.mean(), "quality_low": low, "quality_high": high})
    ends = np.cumsum([cut.units for cut in cuts])
    return {
        cut.layer: table.iloc[end - cut.units : end].reset_index(drop=True) for cut, end in zip(cuts, ends, strict=True)
    }
