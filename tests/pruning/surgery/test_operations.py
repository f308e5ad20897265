"""keras.ops in a model: those that work unit by unit are cut through, the others leave whole what they read."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.pruning import remove_units, unit_groups


def conv(x, filters=4, **options):
    return layers.Conv2D(filters, 3, padding="same", **options)(x)


def gated(gate):
    """Two branches that meet in a product, behind an operation over or beside the units of one of them."""
    return lambda x: layers.Multiply()([conv(x, activation="relu"), gate(conv(x))])


UNIT_BY_UNIT = (
    "relu relu6 leaky_relu elu selu celu gelu silu sigmoid log_sigmoid hard_sigmoid hard_silu tanh hard_tanh softplus "
    "softsign exp abs absolute negative square"
).split()
OPERATIONS = {
    "softmax over units": gated(ops.softmax),
    "softmax over rows": gated(lambda x: ops.softmax(x, axis=1)),
    "log_softmax": gated(ops.log_softmax),
    "normalize": gated(ops.normalize),
    "average over units": gated(lambda x: ops.expand_dims(ops.average(x, axis=-1), -1)),
    "average over rows": lambda x: ops.reshape(ops.average(conv(x), axis=1), (-1, 1, 6, 4)),
    "mean over units": gated(lambda x: ops.mean(x, axis=-1, keepdims=True)),
    "max over units": gated(lambda x: ops.max(x, axis=-1, keepdims=True)),
    "add": lambda x: ops.add(conv(x), conv(x)),
    "subtract": lambda x: ops.subtract(conv(x), conv(x)),
    "multiply": lambda x: ops.multiply(conv(x), conv(x)),
    "maximum": lambda x: ops.maximum(conv(x), conv(x)),
    "minimum": lambda x: ops.minimum(conv(x), conv(x)),
    "divide": lambda x: ops.divide(conv(x), 2.0 + ops.square(conv(x))),
    "concatenate of units": lambda x: ops.concatenate([conv(x), conv(x)], axis=-1),
    "concatenate of rows": lambda x: ops.concatenate([conv(x), conv(x)], axis=1),
    "reshape": lambda x: ops.reshape(conv(x), (-1, 3, 12, 4)),
    "transpose": lambda x: ops.transpose(conv(x), (0, 2, 1, 3)),
    "flip": lambda x: ops.flip(conv(x), axis=-1),
    "matmul": lambda x: ops.matmul(conv(x, 6), conv(x, 6)),
    "dot": lambda x: ops.tensordot(conv(x), np.ones((4, 4), "float32"), axes=1),
    "max_pool": lambda x: ops.max_pool(conv(x), 2, 2),
    "average_pool": lambda x: ops.average_pool(conv(x), 2, 2, padding="same"),
    "pools of units": lambda x: ops.average_pool(conv(x), 2, 2, data_format="channels_first"),
    "where": lambda x: ops.where(conv(x) > 0, conv(x), 1.0),
    "unit by unit": gated(lambda x: sum(getattr(ops, name)(x) for name in UNIT_BY_UNIT)),
}


@pytest.mark.parametrize("block", OPERATIONS.values(), ids=OPERATIONS)
def test_operations_are_cut_as_what_they_compute_whatever_layer_has_their_name(
    block, randomized, third_of, silenced, outputs_of, assert_alike, rng
):
    image = keras.Input((6, 6, 2))
    x = layers.GlobalAveragePooling2D()(conv(block(conv(image, 5, activation="relu"))))
    model = randomized(keras.Model(image, layers.Dense(3)(x)))
    removed = third_of(unit_groups(model), 1 / 2)
    assert removed
    images = rng.normal(size=(3, 6, 6, 2)).astype("float32")
    assert_alike(outputs_of(remove_units(model, removed).model, images), silenced(model, images, removed))
