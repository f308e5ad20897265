"""What every layer's filters are worth, while the network is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.analysis import Analysis
from fm_keras.analysis.images import Pair
from fm_keras.callbacks.following import Follower
from fm_keras.callbacks.measuring import MeasuringCallback
from fm_keras.callbacks.probing import WarmAnalysis
from fm_keras.data import Dataset
from fm_keras.errors import BadRun, CannotCut, InvalidInput
from fm_keras.files import load_arrays, save_arrays
from fm_keras.filters import image_costs
from fm_keras.models import choose_output
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import GatedModel, network_images, stream_contributions

_MEASURES = ["probe_accuracy", "n_clusters", "cluster_size", "noise", "snr"]


@keras.saving.register_keras_serializable(package="fm_keras")
class FilterQuality(MeasuringCallback):
    """Puts single-filter performance of the layers into the logs: `<layer>_snr`, `<layer>_noise`, …

    Stands before the callbacks that read the logs (EarlyStopping, ModelCheckpoint, CSVLogger, TensorBoard).  Weights,
    optimizer, random state and compiled step stay as they are: `fit` ends in the same weights as without it.

    Few images and passes make it cheap: probes go on from where they were at the last measurement.  Its values are for
    following a training; `fm_keras.analyze` measures in full.  A layer that puts out NaN or infinite values makes all
    values of the epoch NaN; where no gradient reaches a layer, as behind dead units, qualities are NaN.

    Args:
        dataset: images of K labels, or arrays (x, y), of which a fifth is held out; `fm_keras.data.as_dataset` takes
            other images to measure on.
        layers: paths of cuts, as `cut_points` names them; all if None.
        every: epochs from one measurement to the next.
        images: at most this many training and this many test images, equally many of every label.
        quality: also `<layer>_quality`, the loss in nats that silencing a unit is expected to cost, summed over the
            units of the layer, those below zero counted as zero: a forward pass, and a backward one for every label.
            The network then needs one logit for each label.
        output: of a model with several outputs, the one on the way to which layers are measured, as for
            `fm_keras.analyze`.  Quality needs it; without it those of all outputs are measured.
        preprocess: applied to every batch of images, as for `fm_keras.analyze`.
        state_path: CSV file that keeps the history, and beside it, named `<state_path>.npz`, the probes, for a training
            that goes on.
        settings: threshold, clustering, split, largest number of positions, memory limit.
        probe: how the probes are trained each time; one pass in batches of 50 if None.

    Raises:
        CannotCut: when training begins, the model or a layer cannot be cut.
        InvalidInput: likewise, an unknown layer or output, images that do not fit, or probes beyond the memory limit.

    Source: arXiv:2305.18078; quality is *ours*.
    """

    def __init__(
        self,
        dataset: Dataset | Pair,
        layers: Iterable[str] | None = None,
        every: int = 1,
        *,
        images: int = 2000,
        quality: bool = False,
        output: str | None = None,
        preprocess: Callable[[Any], Any] | None = None,
        state_path: str | Path | None = None,
        settings: AnalysisSettings | None = None,
        probe: ProbeSettings | None = None,
    ) -> None:
        super().__init__(dataset, layers, every=every, preprocess=preprocess, state_path=state_path)
        self.images, self.quality, self.output = images, quality, output
        self.measures = [*_MEASURES, *(["quality"] if quality else [])]
        self.settings = (settings or AnalysisSettings()).changed(images=images)
        self.probe = probe or ProbeSettings(epochs=1, batch_size=50)
        self.units: dict[str, int] = {}
        """units of each layer; empty before training begins"""
        self.analysis: Analysis | None = None
        """every filter of the layers, as measured last; None where that failed"""

    def prepare(self, model: keras.Model) -> None:
        """Copy the model, and make probes for it."""
        self.analysis = None
        model = choose_output(model, self.output) if self.output is not None else model
        self._probes = WarmAnalysis(
            model,
            self.dataset,
            layers=self.chosen,
            images=self.images,
            settings=self.settings,
            probe=self.probe,
            preprocess=self.preprocess,
        )
        self.units = {cut.layer: cut.units for cut in self._probes.cuts}
        self.layers = list(self.units)
        if self.quality:
            self._gated = GatedModel(model, layers=self.layers, outputs=self.settings.outputs)
            self._follower = Follower(model, self._gated.network)
            self._check_logits(model)

    def measure(self) -> pd.DataFrame:
        """One row per layer: layer, probe_accuracy, n_clusters, cluster_size, noise, snr; quality if asked for."""
        self.analysis = None
        self.analysis = self._probes.measure()
        table = self.analysis.layers().rename(columns={"accuracy": "probe_accuracy"})[["layer", *_MEASURES]]
        return table.assign(quality=self._qualities()) if self.quality else table

    def keep(self, epoch: int) -> None:
        """Write the history, and the probes beside it."""
        heads = {layer: ops.convert_to_numpy(head) for layer, head in zip(self.layers, self._probes.heads.heads)}
        save_arrays(self._heads_path, heads)
        super().keep(epoch)

    def restore(self, epoch: int) -> None:
        """Read the history, and the probes.

        Raises:
            BadRun: a file cannot be read, or belongs to other layers, measures or labels.
        """
        super().restore(epoch)
        kept, heads = load_arrays(self._heads_path, self.layers), dict(zip(self.layers, self._probes.heads.heads))
        for layer, head in heads.items():
            if kept[layer].shape != tuple(head.shape):
                raise BadRun(
                    f"{self._heads_path} belongs to another training: the probe of {layer!r} is {tuple(head.shape)}, "
                    f"found {kept[layer].shape}. Remove it, or choose another state_path."
                )
        for layer, head in heads.items():
            head.assign(kept[layer])

    @property
    def _heads_path(self) -> Path:
        return self.state_path.with_name(f"{self.state_path.name}.npz")

    def _check_logits(self, model: keras.Model) -> None:
        logits, labels = self._gated.labels, self.dataset.labels
        if logits != labels:
            raise InvalidInput(
                f"Model {model.name!r} has {logits} logits, but {self.dataset.name} has {labels} labels. Quality needs "
                "one logit for each label; the other measures do not."
            )

    def _qualities(self) -> list[float]:
        """Quality of each layer in nats: the sum over its units, those below zero counted as zero."""
        try:
            return self._measured_qualities()
        except CannotCut:  # dead units stop all gradients: of a training, too, that goes on
            return [math.nan] * len(self.layers)

    def _measured_qualities(self) -> list[float]:
        self._follower.take_weights()
        split = network_images(self.dataset, self.settings)
        batches = stream_contributions(self._gated, split, settings=self.settings, preprocess=self.preprocess)
        totals = [np.zeros(cut.units) for cut in self._gated.cuts]
        for labels, found in batches:
            for total, each in zip(totals, found.units.values()):
                total += image_costs(found.logits, each, labels, outputs=found.chosen).sum(axis=0)
        return [float((total / len(split)).clip(min=0).sum()) for total in totals]

    def get_config(self) -> dict[str, Any]:
        """The arguments but the images and what is done to them."""
        settings = {"settings": self.settings.model_dump(), "probe": self.probe.model_dump()}
        own = {"images": self.images, "quality": self.quality, "output": self.output}
        return {**super().get_config(), **own, **settings}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], dataset: Dataset | Pair, preprocess: Callable[[Any], Any] | None = None
    ) -> Self:
        """The callback that `get_config` describes, for some images."""
        made = {"settings": AnalysisSettings(**config["settings"]), "probe": ProbeSettings(**config["probe"])}
        return cls(dataset, **{**config, **made}, preprocess=preprocess)
