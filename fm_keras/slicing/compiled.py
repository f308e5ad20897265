"""Functions of images compiled by the backend, once for any number of images.

Keras compiles only its own steps, and TensorFlow warns where many of them are made, so this module imports TensorFlow
or JAX by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fm_keras.devices import choose_xla


def compiled(function: Callable, network: keras.Model) -> Callable:
    """A function of arrays whose first axes may have any length, compiled when it is first called.

    Args:
        function: positional arrays, or structures of them, to such.
        network: the model that it calls.

    Returns:
        The same function, of arrays or tensors to tensors.
    """
    if keras.backend.backend() == "jax":
        return _compiled_by_jax(function, network)
    return _compiled_by_tensorflow(function)


def _compiled_by_tensorflow(function: Callable) -> Callable:
    import tensorflow as tf

    traced: list[Callable] = []

    def call(*arrays: Any) -> Any:
        tensors = keras.tree.map_structure(ops.convert_to_tensor, arrays)
        if not traced:
            specs = keras.tree.map_structure(lambda each: tf.TensorSpec([None, *each.shape[1:]], each.dtype), tensors)
            traced.append(tf.function(function, jit_compile=choose_xla("auto")).get_concrete_function(*specs))
        return traced[0](*tensors)

    return call


def _compiled_by_jax(function: Callable, network: keras.Model) -> Callable:
    import jax

    @jax.jit
    def call(weights, *arrays):  # as arguments: weights that are constants would be compiled in
        with keras.StatelessScope(state_mapping=list(zip(network.variables, weights))):
            return function(*arrays)

    return lambda *arrays: call([variable.value for variable in network.variables], *arrays)
