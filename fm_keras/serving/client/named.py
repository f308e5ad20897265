"""A served model that fm_keras exported, by the names of its layers and labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.numbers import listed
from fm_keras.serving.client.answers import TensorInfo
from fm_keras.serving.client.remote import RemoteModel


class NamedModel(RemoteModel):
    """Asks the model once for what does not change, and turns names into the numbers that signatures take."""

    def __init__(self, url: str, model: str, version: int | None, label: str | None, timeout: float) -> None:
        super().__init__(url, model, version, label, timeout)
        self._descriptions: dict[int, dict[str, np.ndarray]] = {}

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Layers whose filters can be asked for, in depth order; asked once."""
        return tuple(map(str, self._described(0)["layer_names"][0]))

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """K names of the labels; asked once."""
        return tuple(map(str, self._described(0)["label_names"][0]))

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """Names of the network's outputs: label_names, unless it was measured on fewer labels; asked once."""
        return tuple(map(str, self._described(0)["output_names"][0]))

    @cached_property
    def threshold(self) -> float:
        """Share of the largest element of a field above which an element counts; asked once."""
        return round(float(self._described(0)["threshold"][0]), 6)  # a float32

    @cached_property
    def image(self) -> TensorInfo:
        """Type and shape of images, (N, H, W, C); asked once.

        Raises:
            InvalidInput: the network has other inputs.
        """
        found = self.signatures().get("serving_default")
        if found is None or "image" not in found.inputs:
            inputs = ", ".join(found.inputs) if found else "none by default"
            raise InvalidInput(f"{self.model} takes no image; its inputs: {inputs}. Send them by `call`.")
        return found.inputs["image"]

    def units(self, layer: str) -> int:
        """How many filters a layer has; asked once.

        Args:
            layer: path of the layer.
        """
        return int(self._described(self.layer_index(layer))["units"][0])

    def positions(self, layer: str) -> str:
        """The map that its units cover, as 8 x 8; asked once.

        Args:
            layer: path of the layer.
        """
        return str(self._described(self.layer_index(layer))["positions"][0])

    def layer_index(self, layer: str) -> int:
        """Number of a layer.

        Args:
            layer: its path.

        Raises:
            InvalidInput: there is none of that path.
        """
        if layer not in self.layers:
            raise InvalidInput(f"{self.model} has no layer {layer!r}. It has: {listed(self.layers)}.")
        return self.layers.index(layer)

    def label_index(self, label: str | int) -> int:
        """Number of a label.

        Args:
            label: name, or number.

        Raises:
            InvalidInput: there is no such label.
        """
        if label in self.label_names:
            return self.label_names.index(label)
        if isinstance(label, int | np.integer) and 0 <= label < len(self.label_names):
            return int(label)
        raise InvalidInput(f"{self.model} has no label {label!r}. It has: {listed(self.label_names)}.")

    def filter_indices(self, layer: str, filters: Sequence[int] | None) -> list[int]:
        """Numbers of filters of a layer.

        Args:
            layer: path of the layer.
            filters: the numbers; all if None.

        Raises:
            InvalidInput: no number, or none of a filter of the layer.
        """
        units = self.units(layer)
        chosen = list(range(units) if filters is None else map(int, filters))
        if not chosen:
            raise InvalidInput(f"No filter of {layer} is asked for. Name one at least, of 0 to {units - 1}.")
        for number in chosen:
            if not 0 <= number < units:
                raise InvalidInput(f"{layer} has filters 0 to {units - 1}; there is no {number}.")
        return chosen

    def check_images(self, images: np.ndarray) -> np.ndarray:
        """The images as an array.

        Args:
            images: (N, H, W, C).

        Raises:
            InvalidInput: another shape than the network takes, or no image.
        """
        images, wanted = np.asarray(images), self.image.shape
        fits = wanted is None or (
            len(wanted) == images.ndim and all(size in (-1, have) for size, have in zip(wanted, images.shape))
        )
        if not (fits and len(images)):
            shape = f"(N, {', '.join(map(str, wanted[1:]))})" if wanted else "(N, ...)"
            raise InvalidInput(f"{self.model} takes images of shape {shape}, not {images.shape}.")
        return images

    def _described(self, index: int) -> dict[str, np.ndarray]:
        """What the server says of a layer, labels and layers included; kept."""
        if index not in self._descriptions:
            self._descriptions[index] = self.call("describe", {"layer_index": [index]})
        return self._descriptions[index]
