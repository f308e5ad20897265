"""A light client of a served model, over REST: neither TensorFlow nor Keras is imported.

It speaks the protocol of TensorFlow Serving alone, so any server of it will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.serving.client.answers import (
    FilterQuality,
    LayerSummary,
    Predictions,
    TopFilter,
    read_layer_summary,
    read_quality,
)
from fm_keras.serving.client.named import NamedModel

URL = "http://127.0.0.1:8501"
TIMEOUT = 30.0
_IMAGES_AT_ONCE = 32
_FILTERS_AT_ONCE = 256


class Client(NamedModel):
    """Asks a model that fm_keras exported, by the names of its layers and labels.

    The connection is kept open from call to call: use `with Client(...) as client`, or close it.  Threads need a
    client each.  Whatever asks the server also raises ServerError where it cannot be reached, or refuses.

    Args:
        url: of the server's REST interface.
        model: name under which the server has it.
        version: number; the newest that is loaded if None.
        label: of a version (as stable), instead of its number.
        timeout: seconds that an answer may take.

    Raises:
        InvalidInput: no URL, or both a version and a label.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        model: str,
        version: int | None = None,
        label: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__(url, model, version, label, timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def predict(self, images: np.ndarray) -> Predictions:
        """Probabilities, logits and likeliest label of each image.

        Args:
            images: (N, H, W, C), as the network takes them; 32 go in one request.
        """
        return self._predictions(self._over_images("serving_default", images))

    def predict_files(self, files: Sequence[Path | str | bytes]) -> Predictions:
        """The same for encoded images, which the server decodes and resizes.

        Args:
            files: paths, or the bytes of PNG, JPEG, GIF or BMP files.
        """
        parts = [self.call("image_bytes", {"image_bytes": part}) for part in _parts(_contents(files), _IMAGES_AT_ONCE)]
        return self._predictions(_joined(parts))

    def classify(self, images: np.ndarray) -> list[list[tuple[str, float]]]:
        """Label and probability of every output for each image, through the Classify interface.

        Args:
            images: (N, H, W, C).
        """
        kind = np.int64 if "INT" in self.image.dtype else np.float32
        return self._classified([{"image": image.ravel()} for image in self.check_images(images).astype(kind)])

    def classify_files(self, files: Sequence[Path | str | bytes]) -> list[list[tuple[str, float]]]:
        """The same for encoded images.

        Args:
            files: paths, or the bytes of PNG, JPEG, GIF or BMP files.
        """
        return self._classified([{"image_bytes": content} for content in _contents(files)])

    def layer_predictions(self, images: np.ndarray, layer: str) -> np.ndarray:
        """(N, K) logits that the probe of a layer reads from each image; NaN where they are not finite.

        Args:
            images: (N, H, W, C).
            layer: path of the layer.
        """
        return _finite(self._over_images("layer_predictions", images, layer_index=self.layer_index(layer)), "logits")

    def filter_response(self, images: np.ndarray, layer: str, filter: int) -> np.ndarray:
        """(N, K) field in logits that a filter puts on each output for each image; NaN where it is not finite.

        Args:
            images: (N, H, W, C).
            layer: path of the layer.
            filter: number.
        """
        indices = {"layer_index": self.layer_index(layer), "filter_index": self.filter_indices(layer, [filter])[0]}
        return _finite(self._over_images("filter_response", images, **indices), "field")

    def filter_quality(self, layer: str, filter: int) -> FilterQuality:
        """What a filter says about the labels, and what it is worth.

        Args:
            layer: path of the layer.
            filter: number.
        """
        return self.filter_qualities(layer, [filter])[0]

    def filter_qualities(self, layer: str, filters: Sequence[int] | None = None) -> list[FilterQuality]:
        """The same for many filters of a layer.

        Args:
            layer: path of the layer.
            filters: numbers; all if None.
        """
        found = self._over_filters("filter_quality", layer, filters)
        rows = [dict(zip(found, values)) for values in zip(*found.values())]
        return [
            read_quality(layer, number, row, self.label_names)
            for number, row in zip(self.filter_indices(layer, filters), rows)
        ]

    def filter_field(self, layer: str, filter: int) -> np.ndarray:
        """(K, K) field of a filter in logits: [label of the input, output].

        Args:
            layer: path of the layer.
            filter: number.
        """
        return self.filter_fields(layer, [filter])[0]

    def filter_fields(self, layer: str, filters: Sequence[int] | None = None) -> np.ndarray:
        """(N, K, K) fields of many filters of a layer.

        Args:
            layer: path of the layer.
            filters: numbers; all if None.
        """
        return self._over_filters("filter_field", layer, filters)["field"]

    def top_filters(self, layer: str, label: str | int, count: int = 10) -> list[TopFilter]:
        """Filters of a layer that speak most for a label, the strongest first.

        Args:
            layer: path of the layer.
            label: name, or number.
            count: how many at most; an export names a hundred.
        """
        inputs = {"layer_index": [self.layer_index(layer)], "label": [self.label_index(label)], "count": [count]}
        found = self.call("top_filters", inputs)
        return [
            TopFilter(int(filter), float(share))
            for filter, share in zip(found["filters"][0], found["share"][0])
            if filter >= 0
        ]

    def layer_summary(self, layer: str) -> LayerSummary:
        """What was measured of a layer as a whole.

        Args:
            layer: path of the layer.
        """
        return self._summaries([layer])[0]

    def layer_summaries(self) -> list[LayerSummary]:
        """The same for all layers, in depth order."""
        return self._summaries(self.layers)

    def _over_filters(self, signature: str, layer: str, filters: Sequence[int] | None) -> dict[str, np.ndarray]:
        """Outputs of a signature for filters of a layer, so many at once that answers stay small."""
        index = self.layer_index(layer)
        inputs = [
            {"layer_index": [index] * len(part), "filter_index": part}
            for part in _parts(self.filter_indices(layer, filters), _FILTERS_AT_ONCE)
        ]
        return _joined([self.call(signature, each) for each in inputs])

    def _over_images(self, signature: str, images: np.ndarray, **indices: int) -> dict[str, np.ndarray]:
        """Outputs of a signature for images, so many at once that requests stay small."""
        inputs = [
            {"image": part, **{name: [index] * len(part) for name, index in indices.items()}}
            for part in _parts(self.check_images(images), _IMAGES_AT_ONCE)
        ]
        return _joined([self.call(signature, each) for each in inputs])

    def _classified(self, examples: Sequence[dict]) -> list[list[tuple[str, float]]]:
        return [found for part in _parts(examples, _IMAGES_AT_ONCE) for found in self.classify_examples(part)]

    def _predictions(self, found: dict[str, np.ndarray]) -> Predictions:
        return Predictions(found["probabilities"], found["logits"], found["label"], self.output_names)

    def _summaries(self, layers: Sequence[str]) -> list[LayerSummary]:
        found = self.call("layer_summary", {"layer_index": [self.layer_index(layer) for layer in layers]})
        rows = [dict(zip(found, values)) for values in zip(*found.values())]
        return [read_layer_summary(layer, row) for layer, row in zip(layers, rows)]


def _finite(found: dict[str, np.ndarray], output: str) -> np.ndarray:
    """Rows (N, K) of an output, NaN where the server marks them: their layer and filter were checked before."""
    return np.where(found["valid"][:, None], found[output], np.nan)


def _contents(files: Sequence[Path | str | bytes]) -> list[bytes]:
    if not files:
        raise InvalidInput("There is no file to send. Name one at least.")
    return [file if isinstance(file, bytes) else Path(file).read_bytes() for file in files]


def _parts(values, most: int) -> list:
    return [values[start : start + most] for start in range(0, len(values), most)]


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
