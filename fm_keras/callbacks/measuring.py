"""What callbacks that measure have in common: when they do it, what they keep, and that they leave no trace."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from fm_keras.analysis.images import Pair, dataset_for
from fm_keras.data import Dataset
from fm_keras.distribution import spread_over
from fm_keras.errors import BadActivations, BadRun, InvalidInput
from fm_keras.files import write_beside
from fm_keras.models.copying import built_copy
from fm_keras.models.graph import is_graph
from fm_keras.training import network_shape


class MeasuringCallback(keras.callbacks.Callback, ABC):
    """Measures layers at the end of the first epoch and then of every n-th; logs the last values in between.

    Values go into the logs as `<layer>_<measure>`, the path of the layer as `cut_points` names it; what is infinite is
    NaN there.  A training starts anew with every `fit`.  One that goes on (`initial_epoch` above 0) reads `state_path`
    first, if there is one, and measures in the same epochs as without the break.

    A Sequential without an Input is built in its first step: until then a copy stands in, so that what cannot be
    measured is said when training begins.

    Args:
        dataset: images of K labels, or arrays (x, y), of which a fifth is held out.
        layers: paths of cuts; all if None.
        every: epochs from one measurement to the next.
        preprocess: applied to every batch of images; it may change their shape.
        state_path: CSV file that keeps the history.
    """

    layers: list[str]
    """paths of the layers that are measured, in depth order; known when training begins"""
    measures: list[str]
    """what is measured"""

    def __init__(
        self,
        dataset: Dataset | Pair,
        layers: Iterable[str] | None,
        *,
        every: int,
        preprocess: Callable[[Any], Any] | None,
        state_path: str | Path | None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise InvalidInput(f"every is {every}; it must be 1 epoch or more.")
        self.dataset, self.every, self.preprocess = dataset, every, preprocess
        self.chosen = [layers] if isinstance(layers, str) else None if layers is None else list(layers)
        self.state_path = None if state_path is None else Path(state_path)
        self._history: pd.DataFrame | None = None
        self._started = self._prepared = False

    @abstractmethod
    def prepare(self, model: keras.Model) -> None:
        """Make all that measuring needs and that can be used again every time."""

    @abstractmethod
    def measure(self) -> pd.DataFrame:
        """One row per layer: layer, and the measures."""

    @property
    def measured_epoch(self) -> int | None:
        """Epoch of the last measurement; None before the first."""
        return None if self._history is None else int(self._history["epoch"].iloc[-1])

    @property
    def history(self) -> pd.DataFrame:
        """One row per layer and measurement: epoch, as Keras counts from 0, layer, and the measures."""
        return pd.DataFrame() if self._history is None else self._history.copy()

    @property
    def last(self) -> dict[str, float]:
        """What the last measurement puts into the logs; empty before the first."""
        if self._history is None:
            return {}
        rows = self._history[self._history["epoch"] == self.measured_epoch]
        measures = rows.drop(columns=["epoch", "layer"])
        return {
            f"{layer}_{name}": float(value) if math.isfinite(value) else math.nan
            for layer, row in zip(rows["layer"], measures.to_dict("records"))
            for name, value in row.items()
        }

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget the last training, and get ready for this one."""
        self._history, self._started = None, False
        with random_state_kept(), spread_over(1):
            self.dataset = dataset_for(self.model, self.dataset)
            self.prepare(self._built_model())
        self._prepared = is_graph(self.model)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measure if it is time, and put the last values into the logs."""
        with random_state_kept(), spread_over(1):
            self._catch_up(epoch)
            found = self._measured() if self._history is None or epoch % self.every == 0 else None
        if found is not None:
            found.insert(0, "epoch", epoch)
            self._history = found if self._history is None else pd.concat([self._history, found], ignore_index=True)
            if self.state_path:
                self.keep(epoch)
        if logs is not None:
            logs.update(self.last)

    def keep(self, epoch: int) -> None:
        """Write what a training that goes on after this epoch needs."""
        with write_beside(self.state_path) as partial:
            self._history.to_csv(partial, index=False)

    def restore(self, epoch: int) -> None:
        """Read what was kept, up to the epoch before this one.

        Raises:
            BadRun: the file cannot be read, or belongs to other layers or measures.
        """
        try:
            kept = pd.read_csv(self.state_path)
            found = [*kept.columns, *kept["layer"].unique()]
        except (OSError, ValueError, KeyError) as error:
            raise BadRun(f"{self.state_path} is no history of {type(self).__name__} ({error}). Remove it.") from error
        expected = ["epoch", "layer", *self.measures, *self.layers]
        if found != expected:
            raise BadRun(
                f"{self.state_path} belongs to another training: expected {', '.join(expected)}, found "
                f"{', '.join(found)}. Remove it, or choose another state_path."
            )
        kept = kept[kept["epoch"] < epoch]
        self._history = kept.reset_index(drop=True) if len(kept) else None

    def _catch_up(self, epoch: int) -> None:
        """Get ready for a model that was built since training began, and read what was kept."""
        if not self._prepared:
            with suppress(BadActivations):  # weights are NaN: it is tried again after the next epoch
                self.prepare(self.model)
                self._prepared = True
        if not self._started and epoch > 0 and self.state_path and self.state_path.exists():
            self.restore(epoch)
        self._started = True

    def _measured(self) -> pd.DataFrame:
        """What `measure` says; NaN where that fails: a diverged training ends as it would without this callback."""
        if self._prepared:
            with suppress(BadActivations):
                return self.measure()
        return pd.DataFrame({"layer": self.layers, **dict.fromkeys(self.measures, math.nan)})

    def _built_model(self) -> keras.Model:
        """The model, or a copy of a Sequential that is not built yet."""
        if is_graph(self.model) or not isinstance(self.model, keras.Sequential):
            return self.model
        shape = network_shape(self.dataset, self.preprocess)
        if isinstance(shape, dict):
            raise InvalidInput(
                f"Model {self.model.name!r} has one input, but {self.dataset.name} has {', '.join(shape)}. Give one "
                "array of images."
            )
        return built_copy(self.model, shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments that are plain values."""
        path = None if self.state_path is None else str(self.state_path)
        return {"layers": self.chosen, "every": self.every, "state_path": path}


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave Python's and NumPy's random state as it was: Keras seeds new layers and, on JAX, shuffles from them."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
