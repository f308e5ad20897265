"""A served model as the REST interface of TensorFlow Serving knows it: signatures, versions, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from fm_keras.errors import InvalidInput, ServerError
from fm_keras.serving.client.answers import ModelVersion, SignatureInfo, TensorInfo
from fm_keras.serving.client.connection import Connection
from fm_keras.serving.client.json_arrays import Tensor, dump_tensors

_UNKNOWN = ("Servable not found", "Could not find")


class RemoteModel:
    """Any SavedModel on a server, whoever exported it.

    Args:
        url: of the server's REST interface.
        model: name under which the server has it.
        version: number; the newest that is loaded if None.
        label: of a version (as stable), instead of its number.
        timeout: seconds that an answer may take.

    Raises:
        InvalidInput: no URL, or both a version and a label.
    """

    def __init__(self, url: str, model: str, version: int | None, label: str | None, timeout: float) -> None:
        if version is not None and label is not None:
            raise InvalidInput(f"Version {version} and label {label!r} both name a version. Give one of them.")
        self.model, self._connection = model, Connection(url, timeout)
        self._path = f"/v1/models/{quote(model, safe='')}"
        if version is not None:
            self._path += f"/versions/{version}"
        if label is not None:
            self._path += f"/labels/{quote(label, safe='')}"

    @property
    def url(self) -> str:
        """URL of the server."""
        return self._connection.url

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        self._connection.close()

    def call(self, signature: str, inputs: Mapping[str, Tensor]) -> dict[str, np.ndarray] | np.ndarray:
        """What a signature makes of its inputs, in the column form.

        Args:
            signature: its name.
            inputs: numbers, strings or lists of bytes by name, index-batched.

        Returns:
            Arrays by the name of the output; where there is only one, that array.
        """
        body = f'{{"signature_name":{json.dumps(signature)},"inputs":{dump_tensors(inputs)}}}'
        outputs = self._ask(":predict", body)["outputs"]
        if isinstance(outputs, dict):
            return {name: np.asarray(values) for name, values in outputs.items()}
        return np.asarray(outputs)

    def classify_examples(self, examples: Sequence[Mapping[str, Tensor]]) -> list[list[tuple[str, float]]]:
        """Labels and scores of each tf.Example, through the signature classify.

        Args:
            examples: features by name, one mapping an example; floats must be of a floating-point type.
        """
        written = ",".join(dump_tensors(example, examples=True) for example in examples)
        found = self._ask(":classify", f'{{"signature_name":"classify","examples":[{written}]}}')["results"]
        return [[(str(label), float(score)) for label, score in each] for each in found]

    def status(self) -> list[ModelVersion]:
        """The versions that the server has or had."""
        return [
            ModelVersion(int(found["version"]), found["state"], found.get("status", {}).get("error_message", ""))
            for found in self._ask("")["model_version_status"]
        ]

    def signatures(self) -> dict[str, SignatureInfo]:
        """What can be asked of the model, by name."""
        found = self._ask("/metadata")["metadata"]["signature_def"]["signature_def"]
        return {
            name: SignatureInfo(
                each["method_name"], _tensors(each.get("inputs", {})), _tensors(each.get("outputs", {}))
            )
            for name, each in found.items()
            if not name.startswith("__")
        }

    def _ask(self, what: str, body: str | None = None) -> dict[str, Any]:
        status, answer = self._connection.ask(self._path + what, body)
        if isinstance(answer, dict) and "error" not in answer:
            return answer
        said = " ".join(str(answer["error"] if isinstance(answer, dict) else answer).split())
        if said.startswith(_UNKNOWN):
            raise ServerError(
                f"{self.url} does not serve {self._path.removeprefix('/v1/models/')}: {said.rstrip('.')}. "
                "Check the name, or wait until it is loaded."
            )
        raise ServerError(f"{self.url} refuses this (HTTP {status}): {said}")


def _tensors(found: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {name: TensorInfo(tensor["dtype"], _shape(tensor["tensor_shape"])) for name, tensor in found.items()}


def _shape(found: Mapping[str, Any]) -> tuple[int, ...] | None:
    if found.get("unknown_rank"):
        return None
    return tuple(int(part["size"]) for part in found.get("dim", []))
