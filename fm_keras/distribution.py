"""Several devices that share every batch: DataParallel under JAX, MirroredStrategy under TensorFlow.

Keras leaves the devices of TensorFlow to tf.distribute, so this module imports TensorFlow by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from fm_keras.errors import InvalidInput

# By number of devices, one in a process: the collectives of TensorFlow fail in a second one of another number.
_STRATEGY: dict[int, Any] = {}


@contextmanager
def spread_over(devices: int) -> Iterator[int]:
    """What is made inside, models, optimizers and metrics, lies on some devices, which share every batch.

    Under JAX a distribution that was set before is put back afterwards.  Under TensorFlow a scope of tf.distribute
    cannot be left: inside one, that one holds.

    Args:
        devices: how many.

    Yields:
        Number of devices that share a batch.

    Raises:
        InvalidInput: there are fewer devices, or TensorFlow is bound to another number.
    """
    scope = _parallel if keras.backend.backend() == "jax" else _mirrored
    with scope(devices):
        yield devices_here()


def devices_here() -> int:
    """Number of devices that share the batches of a model made here."""
    if keras.backend.backend() == "jax":
        distribution = keras.distribution.distribution()
        if distribution is None:
            return 1
        mesh = distribution.device_mesh
        return int(mesh.shape[list(mesh.axis_names).index(distribution.batch_dim_name)])
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


@contextmanager
def _parallel(devices: int) -> Iterator[None]:
    before = keras.distribution.distribution()
    chosen = keras.distribution.DataParallel(devices=_choose(devices)) if devices > 1 else None
    keras.distribution.set_distribution(chosen)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


@contextmanager
def _mirrored(devices: int) -> Iterator[None]:
    import tensorflow as tf

    if tf.distribute.has_strategy():
        if devices not in (1, devices_here()):
            raise InvalidInput(
                f"{devices} devices were asked for inside a scope of tf.distribute for {devices_here()}. Leave the "
                "number out, or call this outside of the scope."
            )
        yield
    elif devices == 1:
        yield
    else:
        names = [device.upper() for device in _choose(devices)]
        if not _STRATEGY:
            _STRATEGY[devices] = tf.distribute.MirroredStrategy(names)
        if devices not in _STRATEGY:
            (first,) = _STRATEGY
            raise InvalidInput(
                f"{devices} devices were asked for where {first} have shared batches already; TensorFlow cannot change "
                f"that. Ask for {first} or 1, or start another process."
            )
        with _STRATEGY[devices].scope():
            yield


def _choose(devices: int) -> list[str]:
    """Names of the first devices: GPUs where there are any."""
    there = keras.distribution.list_devices()
    if devices > len(there):
        kind = there[0].partition(":")[0].upper()
        seen = f"{len(there)} {kind}{'s' if len(there) > 1 else ''}"
        raise InvalidInput(
            f"{devices} devices were asked for, but {keras.backend.backend()} sees {seen}. Ask for {len(there)}"
            f"{_virtual(devices) if kind == 'CPU' else ''}."
        )
    return there[:devices]


def _virtual(devices: int) -> str:
    """How a CPU is made to look like several, for trials."""
    if keras.backend.backend() == "jax":
        return f", or try it on virtual ones: XLA_FLAGS=--xla_force_host_platform_device_count={devices}"
    return ", or make virtual ones first: tf.config.set_logical_device_configuration"
