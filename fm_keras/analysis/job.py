"""analyze: cut a network at every layer, probe it, and measure every filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
import pandas as pd

from fm_keras.analysis.images import dataset_for
from fm_keras.analysis.measure import measure_layer
from fm_keras.analysis.network import network_analysis, with_quality
from fm_keras.analysis.nouns import Analysis
from fm_keras.data import Dataset, check_labels
from fm_keras.models import choose_output
from fm_keras.progress import Progress, Step, silent
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import (
    CutPoint,
    NetworkMeasures,
    class_means,
    cut_memory,
    cut_points,
    fit_probes,
    group_cuts,
    masked_fields,
    measure_network,
    probe_positions,
)
from fm_keras.training import check_shape

if TYPE_CHECKING:
    import tensorflow as tf


def analyze(
    model: keras.Model,
    dataset: Dataset | tuple[Any, np.ndarray] | tf.data.Dataset,
    *,
    layers: Iterable[str] | None = None,
    output: str | None = None,
    fields: Literal["probe", "network", "both"] | None = None,
    test: tuple[Any, np.ndarray] | tf.data.Dataset | None = None,
    label_names: Sequence[str] | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    settings: AnalysisSettings | None = None,
    probe: ProbeSettings | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Measure every filter of a network: single-filter performance, layer by layer.

    Probe fields: a frozen copy is cut at each layer; a Dense probe learns to read the labels there; the field that each
    filter puts on each output, averaged over the images of each label, shows which labels it picks.  K, the number of
    labels, comes from the data, not from the network.

    Network fields: the same for the network's own logits, without any training, with the quality of each filter: the
    loss that its removal is expected to cost.  The network then needs one logit for each label.

    The network itself is left as it was.

    Args:
        model: Functional or Sequential, nested models included; see docs/models.md for subclassed ones.
        dataset: a `Dataset`; arrays (x, y), x an array, a dict of named inputs or a list of them in the model's order,
            y whole numbers or one-hot; or a batched `tf.data.Dataset` of pairs.
        layers: paths of the layers to measure, as `cut_points` names them; all if None.
        output: of a model with several outputs, the one on the way to which layers are measured: its key, or the path
            of the layer that makes it.  Network fields need it, probes measure the layers of all outputs if None.
        fields: probe, network, or both; as in `settings` if None.
        test: images to measure on, where `dataset` is none of ours.  Without it a seeded, stratified fifth of the
            arrays is held out.
        label_names: names of the labels, where `dataset` is none of ours; their numbers if None.
        preprocess: applied to every batch of images, such as keras.applications' preprocess_input; it may change their
            shape.
        settings: threshold, clustering, split, engine, memory.
        probe: how the probes are trained; the preset `quick` if None.
        progress: told about every step.

    Returns:
        Analysis; `.layers()` and `.filters()` are DataFrames, `analysis["conv5_3"]` is one layer.  With both kinds of
        fields it is that of the probe fields, and `.network` that of the network fields.

    Raises:
        CannotCut: the model, or a layer, cannot be cut.
        InvalidInput: unknown layer or output, image shape that does not fit, a label without images.
        BadActivations: a layer puts out NaN or infinite values.

    Source: arXiv:2305.18078; network fields and quality are *ours*.

    Example:
        >>> import keras, numpy as np
        >>> from keras.layers import Dense
        >>> model = keras.Sequential([keras.Input((4,)), Dense(3, "relu", name="hidden"), Dense(2)])
        >>> x = np.random.default_rng(0).normal(size=(100, 4))
        >>> analyze(model, (x, (x[:, 0] > 0).astype(int)))
        Analysis('arrays', layers=1, filters=3, labels=2)
    """
    settings, probe = settings or AnalysisSettings(), probe or ProbeSettings()
    settings = settings.changed(fields=fields) if fields else settings
    model = choose_output(model, output) if output is not None else model
    cuts = cut_points(model, layers=layers)
    dataset = dataset_for(model, dataset, test=test, label_names=label_names)
    check_shape(model, dataset, preprocess)
    check_labels(dataset, "train")
    check_labels(dataset, "test")
    job = _Job(model, dataset, cuts, settings, preprocess, progress)
    if settings.fields == "probe":
        return job.probe_analysis(probe)
    # Before probes are trained: a network without logits is found at once.
    measures = job.network_measures()
    network = network_analysis(dataset, job.cuts, measures, settings)
    if settings.fields == "network":
        return network
    probed = job.probe_analysis(probe)
    return replace(probed, measured=tuple(with_quality(each, measures) for each in probed), network=network)


@dataclass(frozen=True, eq=False)
class _Job:
    """One network to measure on some images."""

    model: keras.Model
    dataset: Dataset
    cuts: list[CutPoint]
    settings: AnalysisSettings
    preprocess: Callable[[Any], Any] | None
    progress: Progress

    def probe_analysis(self, probe: ProbeSettings) -> Analysis:
        """Fields that trained probes read."""
        settings, dataset = self.settings, self.dataset
        # Class means first: NaN activations are found before probes are trained on them.
        means = class_means(self.model, dataset, settings=settings, **self._common())
        probes = fit_probes(self.model, dataset, settings=probe, analysis=settings, **self._common())
        split = getattr(dataset, settings.split)
        measured = []
        for number, cut in enumerate(self.cuts, start=1):
            held = None
            if settings.engine == "reference":
                held = masked_fields(
                    self.model, split, probes[cut.layer], settings=settings, preprocess=self.preprocess
                )
            measured.append(measure_layer(cut, probes[cut.layer], means[cut.layer], settings, held=held))
            self.progress(Step("filters", number, len(self.cuts), cut.layer))
        return Analysis(dataset.label_names, tuple(measured), dataset.name, len(split), settings, probe)

    def network_measures(self) -> NetworkMeasures:
        """What the network itself makes of its units."""
        return measure_network(self.model, self.dataset, settings=self.settings, **self._common())

    def _common(self) -> dict[str, Any]:
        layers = [cut.layer for cut in self.cuts]
        return {"layers": layers, "preprocess": self.preprocess, "progress": self.progress}


def plan_analysis(
    model: keras.Model,
    dataset: Dataset,
    *,
    layers: Iterable[str] | None = None,
    settings: AnalysisSettings | None = None,
    probe: ProbeSettings | None = None,
) -> pd.DataFrame:
    """What `analyze` would do, without doing it.

    Returns:
        One row per layer: layer, units, positions the probe reads, macs up to there for one image, memory in bytes
        while its probe trains, group (layers of a group share their passes), passes over the training images, and
        passes over the others.
    """
    settings, probe = settings or AnalysisSettings(), probe or ProbeSettings()
    sizes = {
        "labels": len(dataset.label_names),
        "max_positions": settings.max_positions,
        "batch_size": probe.batch_for(len(dataset.train)),
    }
    groups = group_cuts(cut_points(model, layers=layers), **sizes, memory_limit=settings.memory_limit)
    rows = [
        {
            "layer": cut.layer,
            "units": cut.units,
            "positions": math.prod(probe_positions(cut, settings.max_positions)),
            "macs": cut.macs,
            "memory": cut_memory(cut, **sizes),
            "group": number,
            "train_passes": probe.epochs,
            "test_passes": 2 + (cut.units if settings.engine == "reference" else 0),
        }
        for number, group in enumerate(groups, start=1)
        for cut in group
    ]
    return pd.DataFrame(rows)
