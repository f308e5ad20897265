"""A network of the user's with two outputs, measured on prepared images from the command line."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.analysis import load_analysis


@pytest.fixture
def heads(tmp_path, monkeypatch):
    """Two outputs in heads.keras, and a module with a function that prepares images, in the current folder."""
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 1))
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu", name="conv")(x))
    outputs = {
        "digit": layers.Dense(10)(layers.Dense(4, name="for_digit")(y)),
        "even": layers.Dense(2)(layers.Dense(5, name="for_even")(y)),
    }
    keras.Model(x, outputs, name="heads").save("heads.keras")
    (tmp_path / "preparing_digits.py").write_text("def black(images):\n    return 0 * images\n")


FEW = ("--dataset", "digits", "--limit", "50", "--probe-epochs", "1")


def test_an_output_is_chosen_or_the_error_lists_them(command, heads):
    both, digit = command("layers", "heads.keras", "--json"), command("layers", "heads.keras", "--output", "digit")
    assert [row["layer"] for row in json.loads(both.out)["layers"]] == ["conv", "for_digit", "for_even"]
    assert "for_digit" in digit.out and "for_even" not in digit.out
    assert command("layers", "heads.keras", "--output", "odd").err.splitlines()[-1] == (
        "Error: Model 'heads' has no output 'odd'. It has: digit (None, 10), even (None, 2)."
    )
    refused = command("analyze", "heads.keras", *FEW, "--fields", "network", "--to", "here")
    assert refused.code == 1
    assert "has 2 outputs, and one with logits is needed: digit (None, 10), even (None, 2)." in refused.err
    assert command("analyze", "heads.keras", *FEW, "--output", "digit", "--fields", "network", "--to", "here").code == 0
    assert [filters.layer for filters in load_analysis(Path("here"))] == ["conv", "for_digit"]


def test_images_are_prepared_and_other_preparation_is_another_analysis(command, heads):
    words = ("analyze", "heads.keras", *FEW, "--layers", "conv", "--name", "mine")
    black = ("--preprocess", "preparing_digits:black")
    first, again, other = command(*words, *black), command(*words, *black), command(*words)
    assert (first.code, again.code) == (0, 0)
    means = load_analysis(Path("runs/mine/analysis"))["conv"].class_means
    np.testing.assert_array_equal(means, np.broadcast_to(means[:1, :1], means.shape))
    assert "measure   as before" in again.err
    assert other.code == 1


def test_an_unknown_preparation_is_refused(command, heads):
    refused = command("analyze", "heads.keras", *FEW, "--preprocess", "alexnet", "--to", "here")
    assert refused.err.splitlines()[-1].startswith("Error: There is no preprocessing 'alexnet'. Give module:function")
