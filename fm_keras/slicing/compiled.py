"""Functions of images compiled by the backend, once for any number of images.

Keras compiles only its own steps, and TensorFlow warns where many of them are made, so this module imports TensorFlow
or JAX by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fm_keras.distribution import devices_here


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
    return _compiled_by_tensorflow(function, network)


def compiled_by_image(function: Callable, network: keras.Model) -> Callable:
    """As `compiled`, for a function whose arrays and results all have one row an image.

    Where the network was made for several devices, see `fm_keras.distribution.spread_over`, each works on its share.
    """
    devices = devices_here()
    if devices == 1:
        return compiled(function, network)
    shared = _shared_by_jax if keras.backend.backend() == "jax" else _shared_by_tensorflow
    run = shared(function, network)

    def call(*arrays: Any) -> Any:
        tensors = keras.tree.map_structure(ops.convert_to_tensor, arrays)
        images = len(keras.tree.flatten(tensors)[0])
        missing = -images % devices
        filled = keras.tree.map_structure(
            lambda each: ops.concatenate([each, ops.repeat(each[-1:], missing, axis=0)]) if missing else each, tensors
        )
        return keras.tree.map_structure(lambda each: each[:images], run(*filled))

    return call


def _compiled_by_tensorflow(function: Callable, network: keras.Model) -> Callable:
    import tensorflow as tf

    traced: list[Callable] = []

    def call(*arrays: Any) -> Any:
        tensors = keras.tree.map_structure(ops.convert_to_tensor, arrays)
        if not traced:
            specs = keras.tree.map_structure(lambda each: tf.TensorSpec([None, *each.shape[1:]], each.dtype), tensors)
            # jit_compile of the network: with XLA where that is fast and its layers allow it.
            # Without autograph, which reads sources: nothing here branches on what a tensor holds.
            graph = tf.function(function, jit_compile=network.jit_compile, autograph=False)
            traced.append(graph.get_concrete_function(*specs))
        return traced[0](*tensors)

    return call


def _compiled_by_jax(function: Callable, network: keras.Model) -> Callable:
    import jax

    @jax.jit
    def call(weights, *arrays):  # as arguments: weights that are constants would be compiled in
        with keras.StatelessScope(state_mapping=list(zip(network.variables, weights))):
            return function(*arrays)

    return lambda *arrays: call([variable.value for variable in network.variables], *arrays)


def _shared_by_tensorflow(function: Callable, network: keras.Model) -> Callable:
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()

    @tf.function(autograph=False, reduce_retracing=True)
    def run(*shares):
        return strategy.run(function, args=shares)

    def call(*tensors: Any) -> Any:
        def share(context: tf.distribute.InputReplicaContext) -> Any:
            devices, number = context.num_replicas_in_sync, context.replica_id_in_sync_group
            return keras.tree.map_structure(lambda each: tf.split(each, devices)[number], tensors)

        results = run(*strategy.experimental_distribute_values_from_function(share))
        return keras.tree.map_structure(lambda each: tf.concat(strategy.experimental_local_results(each), 0), results)

    return call


def _shared_by_jax(function: Callable, network: keras.Model) -> Callable:
    run, distribution = _compiled_by_jax(function, network), keras.distribution.distribution()

    def share(tensor):
        return keras.distribution.distribute_tensor(tensor, distribution.get_data_layout(tensor.shape))

    return lambda *tensors: run(*keras.tree.map_structure(share, tensors))
