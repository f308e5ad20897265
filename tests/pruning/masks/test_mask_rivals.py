"""Rivals cut as much as the masks that they are compared with."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.pruning import connection_masks, kernel_l1, magnitude_masks, random_masks, unit_masks
from fm_keras.pruning.scores.field_scores import score_series


@pytest.fixture
def like(half):
    """Without the layer that reads the images, whose channels have no scores."""
    masks = {path: mask for path, mask in half.masks.items() if path != "first"}
    return replace(half, masks=masks, whole={"first": "it reads images"})


def test_as_many_connections_of_each_layer_are_cut(connected, like, rng):
    for found in (magnitude_masks(connected, like=like), random_masks(connected, rng, like=like)):
        pd.testing.assert_frame_equal(found.dilution(), like.dilution())
        assert any((found.masks[path] != like.masks[path]).any() for path in like.masks)
        assert found.whole == like.whole


@pytest.mark.parametrize(("norm", "size"), [("l1", np.abs), ("l2", np.square)])
def test_no_connection_that_is_cut_is_larger_than_one_that_stays(connected, like, norm, size):
    found = magnitude_masks(connected, like=like, norm=norm)
    kernels = {
        "grouped": np.asarray(connected.get_layer("grouped").kernel),
        "separable": np.asarray(connected.get_layer("separable").pointwise_kernel),
        "transposed": np.asarray(connected.get_layer("transposed").kernel).swapaxes(-1, -2),
        "hidden": np.asarray(connected.get_layer("hidden").kernel)[None, None],
    }
    for path, kernel in kernels.items():
        worth = size(kernel).sum(axis=(0, 1))
        assert worth[~found.masks[path]].max() <= worth[found.masks[path]].min()


def test_units_are_cut_whole_and_the_worst_first():
    """Scores go with units through pool and flatten, and are added where units meet."""
    image = keras.Input((4, 4, 2))
    x = layers.Add()([layers.Conv2D(4, 1, name="one")(image), layers.Conv2D(4, 1, name="other")(image)])
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    model = keras.Model(image, layers.Dense(3, name="out")(x))
    scores = score_series("by_hand", {"one": np.array([1.0, 2, 3, 4]), "other": np.array([5.0, 1, 0, 4])})
    keep = np.ones((16, 3), bool)
    keep[:7] = False
    found = unit_masks(model, scores, like=connection_masks(model, {"out": keep}))
    by_unit = found.masks["out"].reshape(4, 4, 3)  # (positions, units, outputs): 12 connections each, 21 to be cut
    assert by_unit.any(axis=(0, 2)).tolist() == [True, False, False, True]
    assert by_unit[:, [0, 3]].all()


def test_the_share_of_whole_units_is_the_nearest_there_is(connected, like):
    found = unit_masks(connected, kernel_l1(connected), like=like)
    for path, mask in like.masks.items():
        kept = found.masks[path]
        assert path == "grouped" or (kept.all(axis=1) | ~kept.any(axis=1)).all()
        assert abs(int((~kept).sum()) - int((~mask).sum())) <= mask.size / 3 / 2  # a layer reads 3 units or more


def test_the_order_of_the_scores_does_not_matter(connected, like):
    scores = kernel_l1(connected)
    one, other = unit_masks(connected, scores, like=like), unit_masks(connected, scores[::-1], like=like)
    assert all((one.masks[path] == other.masks[path]).all() for path in like.masks)


def test_scores_that_are_missing_or_do_not_fit_are_one_line(connected, like, message_of):
    scores = kernel_l1(connected)
    in_hidden = scores.index.get_level_values(0) == "hidden"

    def of(given):
        return message_of(lambda: unit_masks(connected, given, like=like))

    assert of(scores[~in_hidden]) == "The scores 'kernel_l1' say nothing of units that 'out' reads."
    assert "There are 1 scores of 'hidden', and 'connected' has 4 units there." in of(scores[in_hidden][:1])
    assert "There are 2 scores of 'else', and" in of(score_series("s", {"else": np.ones(2)}))


def test_an_unknown_norm_and_another_model_are_one_line(connected, network, like, message_of):
    said = message_of(lambda: magnitude_masks(connected, like=like, norm="l3"))
    assert said == "There is no norm 'l3'. Norms: l1, l2."
    assert "made for another model than 'small'" in message_of(lambda: magnitude_masks(network, like=like))
