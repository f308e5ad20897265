"""What is saved: counted by hand, and a time that is one."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.data import Split
from fm_keras.hashes import model_hash
from fm_keras.pruning.savings import forward_seconds, measure_savings, total_operations
from fm_keras.pruning.surgery.surgery import remove_units


@pytest.fixture
def pair(rng):
    """Dense 6 -> 8 -> 3, and the same with 2 of its 8 units."""
    whole = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu", name="hidden"), layers.Dense(3)])
    return whole, remove_units(whole, {"hidden": range(2, 8)}).model


@pytest.fixture
def split(rng):
    return Split(rng.normal(size=(5, 6)).astype("float32"), np.arange(5) % 3)


def test_parameters_and_operations_are_counted(pair, split):
    table = measure_savings(*pair, split).set_index("measure")

    assert table.loc["parameters", ["whole", "pruned"]].tolist() == [6 * 8 + 8 + 8 * 3 + 3, 6 * 2 + 2 + 2 * 3 + 3]
    assert table.loc["MACs", ["whole", "pruned"]].tolist() == [6 * 8 + 8 * 3, 6 * 2 + 2 * 3]
    # Keras' biases begin at zero.
    assert table.loc["nonzero parameters", ["whole", "pruned"]].tolist() == [6 * 8 + 8 * 3, 6 * 2 + 2 * 3]
    assert list(table.index[-3:]) == ["file size", "latency 1", "latency 64"]
    assert (table[["whole", "pruned"]] > 0).all(axis=None)
    np.testing.assert_allclose(table["ratio"], table["pruned"] / table["whole"])


def test_the_state_of_an_optimizer_does_not_count_as_size_of_the_file(pair, split):
    whole, pruned = pair
    size = measure_savings(whole, pruned, split, batch_sizes=()).set_index("measure")["whole"]["file size"]
    whole.compile("adam", "mse")
    whole.optimizer.build(whole.trainable_variables)

    again = measure_savings(whole, pruned, split, batch_sizes=()).set_index("measure")["whole"]["file size"]

    assert again == pytest.approx(size, rel=0.01)


def test_both_models_are_left_as_they_were(pair, split):
    before = [model_hash(model) for model in pair]
    measure_savings(*pair, split)
    assert [model_hash(model) for model in pair] == before
    assert not any(model.compiled for model in pair)


def test_a_model_of_more_work_takes_longer(rng):
    images = Split(rng.normal(size=(4, 64, 64, 3)).astype("float32"), np.zeros(4, int))
    small, large = (
        keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(width, 5), layers.Conv2D(width, 5)])
        for width in (2, 64)
    )
    one, other = forward_seconds([small, large], images, batch_size=8)
    assert 0 < one < other


def test_operations_of_images_without_a_fixed_size_are_not_known(split):
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    assert np.isnan(total_operations(model))
