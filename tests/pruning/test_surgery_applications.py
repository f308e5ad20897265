"""The networks that people bring can be cut by a third."""

import keras
import numpy as np
import pytest

from fm_keras.pruning import remove_units, unit_groups

NETWORKS = {
    "ResNet50": keras.applications.ResNet50,
    "MobileNetV2": keras.applications.MobileNetV2,
    "EfficientNetB0": keras.applications.EfficientNetB0,
}


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="XLA compiles these networks for minutes")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_third_of_every_group_goes_and_the_outputs_are_those_of_the_silenced_network(
    name, randomized, third_of, silenced, outputs_of, assert_alike, rng
):
    model = randomized(NETWORKS[name](weights=None, input_shape=(64, 64, 3), classes=10))
    groups = unit_groups(model)
    assert [group.name for group in groups if not group.removable] == []
    removed = third_of(groups)
    pruned = remove_units(model, removed)
    effect = pruned.effect[["macs", "macs_kept", "params", "params_kept"]].sum()
    assert effect["macs_kept"] < 0.52 * effect["macs"]
    assert effect["params_kept"] < 0.52 * effect["params"]
    x = rng.uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    assert_alike(outputs_of(pruned.model, x), silenced(model, x, removed))
    assert not np.allclose(outputs_of(model, x)[0], outputs_of(pruned.model, x)[0], rtol=1e-3, atol=1e-5)
