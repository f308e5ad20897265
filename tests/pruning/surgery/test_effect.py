"""What is saved is counted from the two models themselves."""

import keras
from keras import layers

from fm_keras.models import count_operations
from fm_keras.pruning import remove_units


def test_operations_and_weights_add_up_to_those_of_both_models(network):
    removed = {"block/conv": [0], "side": [0], "hidden": [1, 2]}
    pruned = remove_units(network, removed)
    effect = pruned.effect.set_index("layer")
    assert effect["macs"].sum() == sum(count_operations(network).values())
    assert effect["macs_kept"].sum() == sum(count_operations(pruned.model).values())
    assert effect["params"].sum() == network.count_params()
    assert effect["params_kept"].sum() == pruned.model.count_params()
    assert effect.loc["block/conv"].tolist() == [64 * 18 * 4, 64 * 18 * 3, 19 * 4, 19 * 3]


def test_weights_of_a_shared_layer_count_once_and_unknown_operations_are_missing():
    image = keras.Input((None, None, 3))
    layer = layers.Conv2D(3, 1, name="twice")
    x = layers.GlobalAveragePooling2D()(layer(layer(image)))
    model = keras.Model(image, layers.Dense(2, name="out")(layers.Dense(4, name="hidden")(x)))
    pruned = remove_units(model, {"hidden": [0]})
    effect = pruned.effect.set_index("layer")
    assert effect["macs"].isna().tolist() == [True, True, False, False]
    assert effect["params"].to_dict() == {"twice": 12, "twice:2": 0, "hidden": 16, "out": 10}
