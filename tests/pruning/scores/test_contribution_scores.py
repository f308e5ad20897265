"""Scores from contributions: worked out by hand, and word for word from contributions to all logits."""

from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from scipy.special import softmax

from fm_keras.data import Split
from fm_keras.filters import removal_cost
from fm_keras.pruning import contribution_scores
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import cut_points, unit_contributions

SCORES = ["quality", "taylor_signed", "taylor_squared", "contribution_norm"]


def literal(logits, contributions, labels):
    """The four scores (U,) word for word, from contributions (N, U, K)."""
    slopes = np.eye(logits.shape[1])[labels] - softmax(logits.astype(float), axis=1)
    linear = (slopes[:, None] * contributions).sum(axis=2)
    spread = contributions.var(axis=2) * logits.shape[1]
    return {
        "quality": removal_cost(logits, contributions, labels),
        "taylor_signed": linear.mean(axis=0),
        "taylor_squared": np.square(linear).mean(axis=0),
        "contribution_norm": np.sqrt(spread.mean(axis=0)),
    }


def test_three_units_have_the_scores_that_were_worked_out():
    """Units are the inputs; output weights in units of ln 3: (2, 0), (-1, 0), (1, 1).

    Image 0, label 0, units (1, 1, 0): z = (1, 0) ln 3, p = (3/4, 1/4), y - p = (1/4, -1/4).
    Image 1, label 1, units (0, 1, 1): z = (0, 1) ln 3, p = (1/4, 3/4), y - p = (-1/4, 1/4).
    Slopes s in ln 3: image 0: 2/4, -1/4, 0; image 1: 0, 1/4, 0.
    Losses are ln 4/3 on both.  Without unit 0: image 0 has z = (-1, 0) ln 3, ln 4, costs ln 3.
    Without unit 1: image 0 has (2, 0) ln 3, ln 10/9, costs ln 5/6; image 1 has (1, 1) ln 3, ln 2, costs ln 3/2.
    Unit 2 moves both logits alike.
    Variance over both logits times two: unit 0: 2 (ln 3)^2 on image 0; unit 1: (ln 3)^2 / 2 on both; unit 2: 0.
    """
    x = keras.Input((3,))
    units = layers.Dense(3, use_bias=False, name="units")(x)
    model = keras.Model(x, layers.Dense(2, use_bias=False)(units))
    model.set_weights([np.eye(3), np.log(3) * np.array([[2, 0], [-1, 0], [1, 1]])])

    found = contribution_scores(model, Split(np.array([[1, 1, 0], [0, 1, 1]]), np.array([0, 1])))

    unit = np.log(3)
    assert list(found) == SCORES
    np.testing.assert_allclose(found["quality"], [unit / 2, np.log(5 / 4) / 2, 0], atol=1e-6)
    np.testing.assert_allclose(found["taylor_signed"], unit * np.array([1 / 4, 0, 0]), atol=1e-6)
    np.testing.assert_allclose(found["taylor_squared"], unit**2 * np.array([1 / 8, 1 / 16, 0]), atol=1e-6)
    np.testing.assert_allclose(found["contribution_norm"], unit * np.sqrt([1, 1 / 2, 0]), atol=1e-6)


def test_scores_of_every_layer_are_those_of_all_contributions_whatever_the_batches(network, dataset):
    logits, contributions = unit_contributions(network, dataset.test.images)
    steps = []

    found = contribution_scores(network, dataset.test, settings=AnalysisSettings(batch_size=10), progress=steps.append)

    assert list(found.index) == [(cut.layer, unit) for cut in cut_points(network) for unit in range(cut.units)]
    assert found.index.names == ["layer", "filter"]
    for layer, values in contributions.items():
        for score, expected in literal(logits, values, dataset.test.labels).items():
            np.testing.assert_allclose(found.loc[layer, score], expected, rtol=1e-3, atol=1e-5)
    assert [(step.stage, step.done, step.total) for step in steps] == [("network", done, 4) for done in range(1, 5)]


def test_with_many_labels_outputs_that_are_not_kept_count_as_zero(rng):
    x = keras.Input((5,))
    model = keras.Model(x, layers.Dense(20)(layers.Dense(6, "relu", name="hidden")(x)))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    split = Split(rng.normal(size=(30, 5)).astype("float32"), rng.integers(20, size=30))
    logits, contributions = unit_contributions(model, split.images, labels=split.labels, outputs=4)

    found = contribution_scores(model, split, settings=AnalysisSettings(outputs=4))

    assert (contributions["hidden"] == 0).mean() > 0.7
    for score, expected in literal(logits, contributions["hidden"], split.labels).items():
        np.testing.assert_allclose(found[score], expected, rtol=1e-3, atol=1e-5)


def test_some_layers_alone_have_the_scores_they_have_among_all(network, dataset):
    together = contribution_scores(network, dataset.test)
    alone = contribution_scores(network, dataset.test, layers=["side", "hidden"])
    assert list(alone.index.unique("layer")) == ["side", "hidden"]
    pd.testing.assert_frame_equal(alone, together.loc[["side", "hidden"]], rtol=1e-4, atol=1e-6)


def test_images_are_preprocessed(network, dataset):
    halved = Split(dataset.test.images / 2, dataset.test.labels)
    found = contribution_scores(network, dataset.test, layers=["hidden"], preprocess=lambda x: x / 2)
    pd.testing.assert_frame_equal(found, contribution_scores(network, halved, layers=["hidden"]), rtol=1e-5)


@pytest.mark.parametrize("labels", [3, -1])
def test_labels_that_are_no_logits_are_refused(labels, network, dataset, message_of):
    wrong = Split(dataset.test.images, np.full(37, labels))
    assert message_of(contribution_scores, network, wrong).startswith("labels must be whole numbers from 0 to 2,")


def test_a_network_without_logits_is_refused(network, dataset, message_of):
    squashed = keras.Model(network.input, layers.ReLU(name="end")(network.output), name="small")
    message = message_of(partial(contribution_scores, layers=["hidden"]), squashed, dataset.test)
    assert message.startswith("Model 'small' ends in relu (layer 'end').")
