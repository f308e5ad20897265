"""Distances on a GPU: it multiplies the blocks, in float32; what is close is decided on the host as ever.

Where points have many coordinates the products take nearly all of the time.  Results are the same to the last bit: a
block only has to keep within the bound on the errors of float32.  GPUs may round what they multiply to fewer digits,
which Keras cannot switch off, so TensorFlow and JAX are imported by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from fm_keras.complexity.distances import Cloud
from fm_keras.devices import has_gpu


def choose_cloud() -> type[Cloud]:
    """Where distances are best computed: on the GPU that Keras' backend sees, else on the host."""
    return DeviceCloud if has_gpu() else Cloud


class DeviceCloud(Cloud):
    """Points whose blocks of distances come from the device of Keras' backend."""

    def multiply(self, left: np.ndarray, right: np.ndarray, out: np.ndarray) -> np.ndarray:
        """As `Cloud.multiply`."""
        with _all_digits():
            product = ops.matmul(left, ops.transpose(ops.convert_to_tensor(right)))
            np.copyto(out, ops.convert_to_numpy(product))
        return out


@contextmanager
def _all_digits() -> Iterator[None]:
    """Keep the backend from multiplying float32 with fewer digits."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.default_matmul_precision("float32"):
            yield
        return
    import tensorflow as tf

    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
