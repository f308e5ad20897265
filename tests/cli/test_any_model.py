"""A network of the user's with two outputs, measured and pruned on prepared images from the command line."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.analysis import load_analysis
from fm_keras.models import choose_output, read_model
from fm_keras.pruning import load_plan


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


BLACK = ("--preprocess", "preparing_digits:black")
IMAGES = ("--dataset", "digits", "--limit", "50")
FEW = (*IMAGES, "--probe-epochs", "1")


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
    first, again, other = command(*words, *BLACK), command(*words, *BLACK), command(*words)
    assert (first.code, again.code) == (0, 0)
    means = load_analysis(Path("runs/mine/analysis"))["conv"].class_means
    np.testing.assert_array_equal(means, np.broadcast_to(means[:1, :1], means.shape))
    assert "measure   as before" in again.err
    assert other.code == 1


def test_an_unknown_preparation_is_refused(command, heads):
    refused = command("analyze", "heads.keras", *FEW, "--preprocess", "alexnet", "--to", "here")
    assert refused.err.splitlines()[-1].startswith("Error: There is no preprocessing 'alexnet'. Give module:function")


def test_complexity_is_that_of_the_layers_of_one_output_on_prepared_images(command, heads):
    words = ("complexity", "heads.keras", *IMAGES, "--output", "even", "--measures", "n3,n2", *BLACK)
    outcome = command(*words, "--json")

    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)["layers"]
    assert [row["layer"] for row in rows] == ["input", "conv", "for_even"]
    assert [row["failed"] == "" for row in rows] == [True, False, False]  # n2: all points are one
    plan = json.loads(command(*words, "--plan", "--json").out)
    assert [row["layer"] for row in plan["layers"]] == ["input", "conv", "for_even"]


def test_complexity_of_several_networks_takes_the_same_output_and_images(command, heads):
    shutil.copy("heads.keras", "twin.keras")
    words = ("complexity", "heads.keras", "twin.keras", *IMAGES, "--output", "even", "--measures", "n3,n2", *BLACK)
    outcome = command(*words, "--json")

    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)["layers"]
    assert [row["layer"] for row in rows] == ["input", "conv", "for_even"] * 2
    assert [row["failed"] == "" for row in rows] == [True, False, False] * 2


def test_pruning_measures_and_tunes_on_prepared_images_and_delivers_the_network_without_the_preparation(command, heads):
    choose_output(read_model("heads.keras"), "digit").save("digit.keras")
    words = ("prune", "digit.keras", *IMAGES, "--rule", "kernel_l1", "--keep", 0.5, "--repair", "none", "--epochs", 1)
    outcome = command(*words, *BLACK, "--to", "small", "--json")

    assert outcome.code == 0, outcome.err
    assert [row["step"] for row in json.loads(outcome.out)["steps"]] == ["whole", "cut", "fine-tuned"]
    whole, pruned = read_model("digit.keras"), read_model("small/model.keras")
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in whole.layers]
    kept = load_plan(Path("small")).kept["conv"]
    before, after = (np.asarray(model.get_layer("conv").kernel) for model in (whole, pruned))
    ratio = after / before[..., kept]
    np.testing.assert_allclose(ratio, np.full_like(ratio, ratio.mean()), rtol=1e-4)  # black images teach it nothing
    assert "--dataset digits --limit 50 --preprocess preparing_digits:black" in " ".join(outcome.err.split())
    assert command(*words, "--to", "small").code == 1  # other images are another pruning


def test_of_several_outputs_none_can_be_pruned_alone(command, heads):
    for words in (("--keep", 0.5), ("--keep", 0.5, "--plan"), ("--sweep",)):
        refused = command("prune", "heads.keras", *IMAGES, *words)
        assert refused.code == 1
        assert refused.err.splitlines()[-1] == (
            "Error: Model 'heads' has 2 outputs, and one alone can be kept in shape while units go: digit (None, 10), "
            "even (None, 2). Prune the part that makes one of them: fm_keras.models.choose_output(model, name), saved "
            "with .save(path)."
        )
