"""RepresentationComplexity against measure_complexity, which reads the finished network."""

import numpy as np
import pytest
from keras import ops

from fm_keras.callbacks import RepresentationComplexity
from fm_keras.complexity import measure_complexity
from fm_keras.data import Dataset, Split
from fm_keras.settings import ComplexitySettings


@pytest.mark.parametrize("pool", ["none", "mean"])
def test_it_says_of_the_last_epoch_what_measure_complexity_says_of_the_network(follow, stripes, pool):
    settings = ComplexitySettings(pool=pool)
    callback = RepresentationComplexity(stripes, measures=["n1", "n3"], sample=30, settings=settings)

    model, logs = follow(callback)

    layers = ["first", "block/conv", "hidden"]
    found = measure_complexity(
        model, stripes, layers=layers, measures=["n1", "n3"], sample=30, settings=settings
    ).set_index("layer")
    assert logs[-1] == {
        f"{layer}_{name}": pytest.approx(found.loc[layer, name]) for layer in layers for name in ("n1", "n3")
    }


def test_a_diverged_training_goes_on_and_has_nan_in_its_logs(follow, build, stripes):
    model = build()
    model.get_layer("first").bias.assign(np.full(4, np.inf))

    _, logs = follow(RepresentationComplexity(stripes, ["first"]), 1, model=model)

    assert np.isnan(logs[0]["first_n3"])


def test_preprocess_may_change_the_shape_of_images(follow, stripes):
    splits = [Split(each.images[:, :4], each.labels) for each in (stripes.train, stripes.test)]
    half = Dataset("half", *splits, stripes.label_names)
    how = {"preprocess": lambda images: ops.pad(images, [(0, 0), (0, 4), (0, 0), (0, 0)])}

    model, logs = follow(RepresentationComplexity(half, ["hidden"], **how), 1)

    found = measure_complexity(model, half, layers=["hidden"], measures=["n3"], **how)
    assert logs[0]["hidden_n3"] == pytest.approx(found["n3"].item())


def test_an_unknown_measure_is_refused_at_once(stripes, message_of):
    assert "There is no measure 'n9'" in message_of(lambda: RepresentationComplexity(stripes, measures=["n9"]))


def test_points_beyond_the_memory_limit_are_refused(follow, stripes, message_of):
    tight = RepresentationComplexity(stripes, settings=ComplexitySettings(memory_limit=1e-6))

    assert "Choose fewer layers or images" in message_of(lambda: follow(tight))
