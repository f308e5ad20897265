"""How hard the classes are to tell apart after each layer, while the network is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.analysis.images import Pair
from fm_keras.callbacks.following import Follower
from fm_keras.callbacks.measuring import MeasuringCallback
from fm_keras.complexity import measure_points
from fm_keras.complexity.table import check_measures
from fm_keras.data import Dataset, choose_images, measuring_batches
from fm_keras.devices import check_backend
from fm_keras.errors import InvalidInput
from fm_keras.models.inference import without_updates
from fm_keras.settings import ComplexitySettings
from fm_keras.slicing import cut_points
from fm_keras.slicing.compiled import compiled
from fm_keras.slicing.slices import cut_activations, frozen_body
from fm_keras.training import check_shape

_FLOAT = 4
_EVERY_POSITION = 2**31


@keras.saving.register_keras_serializable(package="fm_keras")
class RepresentationComplexity(MeasuringCallback):
    """Puts the complexity of the layers' representations into the logs: `<layer>_n3`, …

    Stands before the callbacks that read the logs.  Weights, optimizer, random state and compiled step stay as they
    are.  The same images are looked at every time.  A layer that puts out NaN or infinite values has NaN for all
    measures.

    Args:
        dataset: labeled images, or arrays (x, y), of which a fifth is held out.
        layers: paths of cuts, as `cut_points` names them; all if None.
        measures: names, see `fm_keras.complexity.MEASURES`.
        every: epochs from one measurement to the next.
        sample: at most this many images, equally many of every label.
        preprocess: applied to every batch of images; it may change their shape.
        state_path: CSV file that keeps the history, for a training that goes on.
        settings: split, pooling of positions, memory limit, seed.

    Raises:
        CannotCut: when training begins, the model or a layer cannot be cut.
        InvalidInput: an unknown measure; when training begins, an unknown layer, or points beyond the memory limit.

    Source: arXiv:2209.00525.
    """

    def __init__(
        self,
        dataset: Dataset | Pair,
        layers: Iterable[str] | None = None,
        measures: Sequence[str] = ("n3",),
        every: int = 1,
        *,
        sample: int = 500,
        preprocess: Callable[[Any], Any] | None = None,
        state_path: str | Path | None = None,
        settings: ComplexitySettings | None = None,
    ) -> None:
        super().__init__(dataset, layers, every=every, preprocess=preprocess, state_path=state_path)
        self.measures = check_measures(measures)
        self.settings = (settings or ComplexitySettings()).changed(sample=sample, measures=tuple(self.measures))

    def prepare(self, model: keras.Model) -> None:
        """Copy the model up to the layers, and choose the images."""
        check_backend()
        settings, cuts = self.settings, cut_points(model, layers=self.chosen)
        check_shape(model, self.dataset, self.preprocess)
        self.layers = [cut.layer for cut in cuts]
        images = getattr(self.dataset, settings.split)
        self._split = choose_images(images, settings.sample, labels=self.dataset.labels, seed=settings.seed)
        self._check_memory(sum(cut.units * math.prod(cut.positions) for cut in cuts))
        body = frozen_body(model, cuts)
        self._follower = Follower(model, body)

        def read(images):
            with without_updates():
                found = cut_activations(body, images, cuts, _EVERY_POSITION)
            if settings.pool == "mean":
                return [ops.mean(each, axis=1) for each in found]
            return [ops.reshape(each, (-1, math.prod(cut.positions) * cut.units)) for each, cut in zip(found, cuts)]

        self._read = compiled(read, body)

    def measure(self) -> pd.DataFrame:
        """One row per layer: layer, and the measures."""
        self._follower.take_weights()
        batches = measuring_batches(self._split, batch_size=self.settings.batch_size, preprocess=self.preprocess)
        read = [[ops.convert_to_numpy(each) for each in self._read(x)] for x, _ in batches]
        points = [np.concatenate(parts) for parts in zip(*read)]
        rows = [{"layer": layer, **self._values(each)} for layer, each in zip(self.layers, points)]
        return pd.DataFrame(rows)

    def _values(self, points: np.ndarray) -> Mapping[str, float]:
        if not np.isfinite(points).all():  # a diverged training ends as it would without this callback
            return dict.fromkeys(self.measures, math.nan)
        return measure_points(points, self._split.labels, self.measures, memory_limit=self.settings.memory_limit).values

    def _check_memory(self, width: int) -> None:
        need = _FLOAT * len(self._split) * width / 1e9
        if need > self.settings.memory_limit:
            raise InvalidInput(
                f"The activations of {len(self._split):,} images in {len(self.layers)} layers take {need:.2g} GB, "
                f"beyond the memory limit of {self.settings.memory_limit:g} GB. Choose fewer layers or images."
            )

    def get_config(self) -> dict[str, Any]:
        """The arguments but the images and what is done to them."""
        settings = self.settings.model_dump()
        return {**super().get_config(), "measures": self.measures, "sample": settings["sample"], "settings": settings}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], dataset: Dataset | Pair, preprocess: Callable[[Any], Any] | None = None
    ) -> Self:
        """The callback that `get_config` describes, for some images."""
        settings = ComplexitySettings(**config["settings"])
        return cls(dataset, **{**config, "settings": settings}, preprocess=preprocess)
