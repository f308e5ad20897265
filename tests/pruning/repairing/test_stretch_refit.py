"""Neighboring layers fitted together are never worse on held-out images, and do what no single layer can."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.data import Split
from fm_keras.models.graph import walk
from fm_keras.pruning import remove_units
from fm_keras.pruning.repairing.refit import split_images
from fm_keras.pruning.repairing.repair import repair
from fm_keras.pruning.repairing.stretch_refit import refit_stretch
from fm_keras.pruning.repairing.stretches import StretchModel, find_stretches
from fm_keras.settings import RepairSettings

FEW = RepairSettings(passes=20)


def two_layers(hidden, *, linear, seed=0, between=lambda x: x):
    """A 1 x 1 convolution whose units a second one reads."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((4, 4, 2))
    x = layers.Conv2D(hidden, 1, activation=None if linear else "relu", name="first")(image)
    return keras.Model(image, layers.Conv2D(3, 1, name="second")(between(x)))


def stretch_of(model):
    graph = walk(model)
    return StretchModel(graph, find_stretches(graph, 2)[0])


def missed(model, given, targets, images):
    return np.square(ops.convert_to_numpy(model(given[images])) - targets[images]).mean()


@pytest.mark.parametrize("noise", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("count", [1, 10, 200])
def test_it_is_never_worse_on_held_out_images(count, noise, rng):
    model, wanted = two_layers(3, linear=False), two_layers(5, linear=False, seed=1)
    given = rng.normal(size=(count, 4, 4, 2)).astype("float32")
    targets = ops.convert_to_numpy(wanted(given)) + rng.normal(scale=noise, size=(count, 4, 4, 3)).astype("float32")
    _, held_out = split_images(count, 0)
    before, weights = missed(model, given, targets, held_out), model.get_weights()
    changed = refit_stretch(stretch_of(model), [given], [targets], FEW)
    after = missed(model, given, targets, held_out)
    assert after < before if changed else all((a == b).all() for a, b in zip(weights, model.get_weights()))


def test_what_is_right_already_is_left(rng):
    model = two_layers(3, linear=False)
    given = rng.normal(size=(50, 4, 4, 2)).astype("float32")
    before = model.get_weights()
    assert not refit_stretch(stretch_of(model), [given], [ops.convert_to_numpy(model(given))], FEW)
    assert all((one == other).all() for one, other in zip(before, model.get_weights()))


def test_augmentation_inside_a_stretch_is_passed_over(rng):
    given = rng.normal(size=(50, 4, 4, 2)).astype("float32")
    targets = ops.convert_to_numpy(two_layers(3, linear=False, seed=1)(given))
    moving, still = (
        two_layers(3, linear=False, between=each) for each in (layers.RandomTranslation(0.5, 0.5), lambda x: x)
    )
    moving.set_weights(still.get_weights())
    for model in (moving, still):
        assert refit_stretch(stretch_of(model), [given], [targets], FEW)
    for one, other in zip(moving.get_weights(), still.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_linearly_dependent_units_become_what_their_reader_needs(rng):
    """One unit and its double are left of three, of which no kernel behind them could make the third."""
    whole = two_layers(3, linear=True)
    whole.get_layer("first").kernel.assign(np.array([[[[1, 2, 0], [0, 0, 2]]]]))
    whole.get_layer("second").kernel.assign(rng.normal(size=(1, 1, 3, 3)))
    images = Split(rng.normal(size=(300, 4, 4, 2)).astype("float32"), np.zeros(300, int))
    pruned = remove_units(whole, {"first": [2]})
    expected, misses = ops.convert_to_numpy(whole(images.images)), {}
    for neighbors in (1, 2):
        settings = RepairSettings(neighbors=neighbors, passes=40)
        repaired = repair(whole, pruned, images, settings=settings)
        misses[neighbors] = missed(repaired, images.images, expected, np.arange(300)) / expected.var()
    assert misses[1] > 0.1 and misses[2] < 1e-3


def test_frozen_layers_are_repaired_too_and_stay_frozen(rng):
    whole = two_layers(6, linear=False)
    whole.trainable = False
    images = Split(rng.normal(size=(300, 4, 4, 2)).astype("float32"), np.zeros(300, int))
    pruned = remove_units(whole, {"first": [0, 3]})
    alone, together = (
        repair(whole, pruned, images, settings=RepairSettings(neighbors=neighbors, passes=20)) for neighbors in (1, 2)
    )
    expected, every = ops.convert_to_numpy(whole(images.images)), np.arange(300)
    assert missed(together, images.images, expected, every) < missed(alone, images.images, expected, every)
    assert not together.trainable_variables
