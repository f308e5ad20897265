"""Units that others can stand in for are worth least."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.data import Split
from fm_keras.pruning import unit_groups
from fm_keras.pruning.repairing.reconstruction import reconstruction
from fm_keras.slicing import cut_points


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(5)
    return Split(rng.normal(size=(120, 8, 8, 2)).astype("float32"), np.arange(120) % 3)


def test_one_of_two_copies_goes_first_and_the_other_does_not(network, images, rng):
    hidden, out = network.get_layer("hidden"), network.get_layer("out")
    kernel = rng.normal(scale=0.2, size=hidden.kernel.shape)
    kernel[:, 3] = kernel[:, 1]
    hidden.set_weights([kernel, np.ones(5)])
    out.set_weights([rng.normal(size=out.kernel.shape), np.zeros(3)])
    scores = reconstruction(network, images)["hidden"]
    one, other = sorted(scores[[1, 3]])
    assert one == scores.min() and one < 0.05 * scores.drop([1, 3]).min()
    assert other > 20 * one


def test_every_unit_of_a_cut_that_can_lose_some_has_a_score(analyzed, images):
    scores = reconstruction(analyzed, images)
    assert scores.name == "reconstruction" and scores.index.names == ["layer", "filter"]
    groups = [group for group in unit_groups(analyzed) if group.removable]
    assert set(scores.index.unique(level=0)) == {path for group in groups for path in group.cuts}
    assert (scores > 0).all() and np.isfinite(scores).all()
    for group in groups:
        values = [scores[path].to_numpy()[channels[:, 0]] for path, channels in group.cuts.items()]
        assert all((each == values[0]).all() for each in values)


def test_labels_are_not_looked_at_and_the_model_stays_as_it_was(network, images):
    before = [weight.copy() for weight in network.get_weights()]
    one = reconstruction(network, images)
    assert all((a == b).all() for a, b in zip(before, network.get_weights()))
    other = reconstruction(network, Split(images.images, np.roll(images.labels, 1)))
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_units_behind_groups_depthwise_layers_and_concatenations_have_scores(rng, randomized):
    keras.utils.set_random_seed(2)
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, activation="relu", name="first")(image)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Concatenate(name="both")([y, layers.Conv2D(4, 1, name="side")(image[:, 1:-1, 1:-1])])
    x = layers.Conv2D(8, 3, groups=2, activation="relu", name="grouped")(x)
    x = layers.Dense(3, name="out")(layers.Flatten()(x))
    model = randomized(keras.Model(image, layers.Softmax()(x)))
    images = Split(rng.normal(size=(60, 8, 8, 2)).astype("float32"), np.arange(60) % 3)
    scores = reconstruction(model, images)
    assert {"first", "depthwise", "side", "both", "grouped"} <= set(scores.index.unique(level=0))
    assert {cut.layer for cut in cut_points(model)} >= set(scores.index.unique(level=0))
    assert (scores[np.isfinite(scores)] > 0).all() and not scores.isna().any()
