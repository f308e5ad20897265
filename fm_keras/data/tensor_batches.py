"""Batches by tf.data, for the TensorFlow backend.

Keras feeds NumPy arrays and PyDatasets with many an epoch idle under TensorFlow 2.21; a tf.data pipeline without
autotune and with a fixed thread pool does not stall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fm_keras.data.augment import augment_tensors
from fm_keras.data.batches import TrainingPlan, count_batches
from fm_keras.data.datasets import Split

if TYPE_CHECKING:
    import tensorflow as tf


def training_batches(plan: TrainingPlan) -> tf.data.Dataset:
    """Batches of all epochs of the plan, see `fm_keras.data.training_batches`."""
    import tensorflow as tf

    images, labels = _tensors(plan.split)

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        key = tf.random.experimental.stateless_fold_in(tf.constant([plan.seed, 0]), epoch)
        order = tf.random.experimental.stateless_shuffle(tf.range(len(plan.split)), seed=key)
        chosen = tf.data.Dataset.from_tensor_slices(order[: plan.images]).batch(plan.batch_size)
        return chosen.enumerate().map(lambda batch, indices: gather(key, batch, indices))

    def gather(key: tf.Tensor, batch: tf.Tensor, indices: tf.Tensor) -> tuple:
        x, y = tf.nest.map_structure(lambda array: tf.gather(array, indices), (images, labels))
        if plan.augments:
            x = _augment(x, tf.random.experimental.stateless_fold_in(key, batch), plan)
        return (plan.preprocess(x) if plan.preprocess else x), y

    batches = tf.data.Dataset.range(plan.first_epoch, plan.epochs).flat_map(epoch_batches)
    return _fed(batches, len(range(plan.first_epoch, plan.epochs)) * plan.steps_per_epoch)


def measuring_batches(split: Split, batch_size: int, preprocess: Callable[[Any], Any] | None = None) -> tf.data.Dataset:
    """Batches in order, see `fm_keras.data.measuring_batches`."""
    import tensorflow as tf

    arrays = _tensors(split)

    def batch(start: tf.Tensor) -> tuple:
        x, y = tf.nest.map_structure(lambda array: array[start : start + batch_size], arrays)
        return (preprocess(x) if preprocess else x), y

    batches = tf.data.Dataset.range(0, len(split), batch_size).map(batch)
    return _fed(batches, count_batches(len(split), batch_size))


def filled_batches(batches: tf.data.Dataset, devices: int, weight: float | None = None) -> tf.data.Dataset:
    """Batches that devices share evenly, see `fm_keras.data.filled_batches`, with a weight for images of your own."""
    import tensorflow as tf

    def fill(x: Any, y: tf.Tensor) -> tuple:
        images = tf.shape(y)[0]
        missing = -images % devices
        x, y = tf.nest.map_structure(lambda each: tf.concat([each, tf.repeat(each[-1:], missing, 0)], 0), (x, y))
        each = tf.cast((images + missing) / images if weight is None else weight, tf.float32)
        return x, y, tf.concat([tf.fill([images], each), tf.zeros([missing])], 0)

    return batches.map(fill)


def _tensors(split: Split) -> tuple:
    import tensorflow as tf

    # tf.data gathers on the host: a constant made on a GPU would be copied back for every batch.
    with tf.device("CPU:0"):
        return tf.nest.map_structure(tf.constant, (split.images, split.labels))


def _augment(images: tf.Tensor, key: tf.Tensor, plan: TrainingPlan) -> tf.Tensor:
    import tensorflow as tf

    for_flip, for_shift = tf.unstack(tf.random.experimental.stateless_split(key, 2))
    count, most = tf.shape(images)[0], plan.max_shift
    flip = tf.random.stateless_uniform([count], for_flip, 0, 2, tf.int32) * int(plan.flip)
    shift = tf.random.stateless_uniform([count, 2], for_shift, -most, most + 1, tf.int32)
    return augment_tensors(images, flip > 0, shift)


def _fed(batches: tf.data.Dataset, count: int) -> tf.data.Dataset:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    options.threading.private_threadpool_size = 1
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4).with_options(options)
