"""One version of a model, loaded: its signatures, and how they are run.

As in TensorFlow Serving a SavedModel runs in a graph session of its own: outputs that nobody asks for are not
computed, a time-out stops the graph, and closing the session frees the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fm_keras.serving.server.statuses import Code, RequestError, invalid

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

DEFAULT_SIGNATURE = "serving_default"
_INIT = "__saved_model_init_op"
_KINDS_OF_FETCHES = 64


@dataclass(frozen=True)
class TensorSpec:
    """A tensor that a signature takes or gives."""

    tensor: str
    """its name in the graph"""
    dtype: np.dtype
    """object for strings"""
    type_name: str
    """TensorFlow's name of the type: float, int32, string, ..."""
    shape: tuple[int | None, ...] | None
    """sizes, None where any will do; None if not even the rank is known"""

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape can be fed."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(want in (None, size) for want, size in zip(self.shape, shape))


@dataclass(frozen=True, eq=False)
class Signature:
    """What one signature takes and gives."""

    name: str
    method: str
    """tensorflow/serving/predict, .../classify or .../regress"""
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


class Servable:
    """A version that is loaded.

    Args:
        path: folder with `saved_model.pb`.
        name: of the model.
        version: its number.
        timeout: seconds that a run may take.

    Raises:
        RequestError: the folder holds no SavedModel that can be loaded.
    """

    def __init__(self, path: Path, name: str, version: int, timeout: float) -> None:
        self.path, self.name, self.version = path, name, version
        self._timeout = timeout
        self.definitions: dict[str, SignatureDef] = {}
        self._load()
        self.signatures = {name: _signature(name, definition) for name, definition in self.definitions.items()}
        self._callable = lru_cache(_KINDS_OF_FETCHES)(self._make_callable)

    def run(
        self, signature: Signature, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run a signature.

        Args:
            signature: one of `signatures`.
            inputs: an array for each of its inputs; strings as object arrays of bytes.
            outputs: which outputs to compute (all).

        Returns:
            The outputs by name; strings as object arrays of bytes.

        Raises:
            RequestError: an array of another type or shape than the signature's, a failure inside the graph, or no
                time left.
        """
        import tensorflow as tf

        for name, spec in signature.inputs.items():
            _check(name, spec, inputs[name])
        names = tuple(name for name in signature.outputs if outputs is None or name in outputs)
        try:
            found = self._callable(signature, names)(*(inputs[name] for name in signature.inputs))
        except tf.errors.DeadlineExceededError as error:
            raise RequestError(Code.DEADLINE_EXCEEDED, error.message) from None
        except tf.errors.OpError as error:
            raise RequestError(Code(error.error_code), error.message) from None
        return dict(zip(names, found))

    def close(self) -> None:
        """Free the weights; nothing may run any more."""
        self._callable.cache_clear()
        self._session.close()

    def _load(self) -> None:
        import tensorflow as tf

        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        try:
            with graph.as_default():
                meta = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(self.path))
        except tf.errors.OpError as error:
            self._session.close()
            raise RequestError(Code(error.error_code), error.message) from error
        except Exception as error:  # Whatever the loader stumbles over, other models are served on.
            self._session.close()
            missing = isinstance(error, OSError | RuntimeError)  # no such file, or nothing in it to be served
            raise RequestError(Code.NOT_FOUND if missing else Code.INTERNAL, str(error)) from error
        for name, definition in meta.signature_def.items():
            if name != _INIT:
                self.definitions[name] = definition

    def _make_callable(self, signature: Signature, outputs: tuple[str, ...]) -> Any:
        from tensorflow.core.protobuf import config_pb2

        options = config_pb2.CallableOptions(
            feed=[spec.tensor for spec in signature.inputs.values()],
            fetch=[signature.outputs[name].tensor for name in outputs],
            run_options=config_pb2.RunOptions(timeout_in_ms=round(1000 * self._timeout)),
        )
        # Not public.  Session.run and Session.make_callable are: for 256 filters they took 0.3 ms where this took 0.1.
        return self._session._make_callable_from_options(options)


def _signature(name: str, definition: SignatureDef) -> Signature:
    # Sorted, since protobuf's maps have no order.
    inputs, outputs = (
        {key: _spec(side[key]) for key in sorted(side)} for side in (definition.inputs, definition.outputs)
    )
    return Signature(name, definition.method_name, inputs, outputs)


def _spec(info: TensorInfo) -> TensorSpec:
    import tensorflow as tf

    dtype = tf.dtypes.as_dtype(info.dtype)
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    array_type = np.dtype(object) if dtype == tf.string else np.dtype(dtype.as_numpy_dtype)
    return TensorSpec(info.name, array_type, dtype.name.replace("float32", "float").replace("float64", "double"), sizes)


def _check(name: str, spec: TensorSpec, array: np.ndarray) -> None:
    if array.dtype != spec.dtype:
        raise invalid(f"Input {name!r} has type {array.dtype}, the signature takes {spec.type_name}.")
    if not spec.takes(array.shape):
        expected = ", ".join("?" if size is None else str(size) for size in spec.shape)
        raise invalid(f"Input {name!r} has shape {list(array.shape)}, the signature takes [{expected}].")
