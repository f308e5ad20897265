"""What Python says to the requests of an export, without any of the export's own graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from scipy.special import softmax

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.models.graph import walk
from fm_keras.serving.saved.body import INDICES
from fm_keras.serving.saved.ranking import label_shares
from fm_keras.serving.saved.requests import Request
from fm_keras.slicing import cut_points
from fm_keras.slicing.logits import find_logits
from fm_keras.slicing.slices import cut_activations, frozen_body

Answer = dict[str, np.ndarray]
"""Arrays (N, ...) by the name of the output; not of all outputs."""


@dataclass(frozen=True, eq=False)
class PythonAnswers:
    """Answers of a network and its analysis, as Keras, NumPy and pandas give them: a method for each signature.

    Requests name layers, filters and labels within range alone.
    """

    model: keras.Model
    analysis: Analysis
    preprocess: Callable[[Any], Any] | None

    def valid(self, request: Request) -> np.ndarray:
        """Which rows of a request (N,) name layers, filters and labels that there are."""
        rows = len(next(iter(request.values())))
        layer = request.get("layer_index", np.zeros(rows, int))
        fine = (layer >= 0) & (layer < len(self.analysis))
        units = np.array([len(self._layer(number)) if known else 0 for number, known in zip(layer, fine)])
        unit, label = request.get("filter_index", np.zeros(rows, int)), request.get("label", np.zeros(rows, int))
        return fine & (unit >= 0) & (unit < units) & (label >= 0) & (label < len(self.analysis.label_names))

    def serving_default(self, request: Request) -> Answer:
        """The network's own output, and what follows from it."""
        out = keras.ops.convert_to_numpy(self.model(self._x(request), training=False)).astype(np.float32)
        graph = walk(self.model)
        found = find_logits(self.model, graph)
        if found.softmax_in is None and found.tensor == graph.outputs[0]:
            return {"logits": out, "probabilities": softmax(out, axis=1)}
        return {"probabilities": out if (out >= 0).all() else np.exp(out)}

    def layer_predictions(self, request: Request) -> Answer:
        """The probe's kernel times the activations at a cut."""
        pairs = zip(self._activations(request), request["layer_index"])
        rows = [np.einsum("pu,puk->k", activation, self._layer(number).kernel) for activation, number in pairs]
        return {"logits": np.stack(rows)}

    def filter_response(self, request: Request) -> Answer:
        """The same for one filter each."""
        rows = zip(self._activations(request), request["layer_index"], request["filter_index"])
        return {"field": np.stack([each[:, unit] @ self._layer(number).kernel[:, unit] for each, number, unit in rows])}

    def filter_quality(self, request: Request) -> Answer:
        """The rows of the filter table."""
        asked = [(self._layer(i), unit) for i, unit in zip(request["layer_index"], request["filter_index"])]
        rows = pd.DataFrame([filters.table.iloc[unit] for filters, unit in asked])
        names = ["n_clusters", "signal", "internal_noise", "external_noise", "dead"]
        names += [name for name in rows if name.startswith("quality")]
        clusters = np.stack([filters.cluster_of[unit] for filters, unit in asked])
        return {**{name: np.array(rows[name].tolist()) for name in names}, "cluster_of": clusters}

    def filter_field(self, request: Request) -> Answer:
        """The fields that the analysis gives."""
        asked = zip(request["layer_index"], request["filter_index"])
        return {"field": np.stack([self._layer(number).fields_of([unit])[0] for number, unit in asked])}

    def top_filters(self, request: Request) -> Answer:
        """The shares of the named filters, which must be the largest ones."""
        most = min(int(request["count"].max()), max(map(len, self.analysis)))
        shares = np.zeros((len(request["count"]), most), np.float32)
        for row, number, label, count in zip(shares, request["layer_index"], request["label"], request["count"]):
            largest = np.sort(label_shares(self._layer(number))[:, label])[::-1][:count]
            row[: len(largest)] = largest
        return {"share": shares}

    def layer_summary(self, request: Request) -> Answer:
        """The rows of the layer table, without SNR, which may be infinite there."""
        rows = self.analysis.layers().iloc[request["layer_index"]].drop(columns=["layer", "positions", "snr"])
        return {name: rows[name].fillna(0).to_numpy() for name in rows.dropna(axis=1, how="all")}

    def describe(self, request: Request) -> Answer:
        """Names and sizes of layers."""
        asked = [self._layer(number) for number in request["layer_index"]]
        return {
            "layer": np.array([filters.layer.encode() for filters in asked], object),
            "units": np.array([len(filters) for filters in asked]),
        }

    def _layer(self, number: int) -> LayerFilters:
        return self.analysis.measured[number]

    def _activations(self, request: Request) -> list[np.ndarray]:
        """(P, U) of each image at its layer."""
        asked = sorted(set(request["layer_index"].tolist()))
        cuts = cut_points(self.model, layers=[self._layer(number).layer for number in asked])
        body = frozen_body(self.model, cuts)
        found = cut_activations(body, self._x(request), cuts, self.analysis.settings.max_positions)
        found = [keras.ops.convert_to_numpy(each) for each in found]
        return [found[asked.index(number)][row] for row, number in enumerate(request["layer_index"])]

    def _x(self, request: Request) -> Any:
        images = [keras.ops.convert_to_tensor(each) for name, each in request.items() if name not in INDICES]
        # `input` of a Sequential is missing where it has not been called.
        structure = self.model.inputs[0] if isinstance(self.model, keras.Sequential) else self.model.input
        x = keras.tree.pack_sequence_as(structure, images)
        return x if self.preprocess is None else self.preprocess(x)
