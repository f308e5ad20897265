"""Preprocessing by name, and on pixels as data sets have them."""

import keras
import numpy as np
import pytest

from fm_keras.data import Split, measuring_batches, training_batches
from fm_keras.models import read_preprocess


def test_a_network_of_keras_is_named_by_its_module():
    assert read_preprocess("mobilenet_v2") is keras.applications.mobilenet_v2.preprocess_input


def test_a_function_of_ones_own_is_named_by_module_and_function(tmp_path, monkeypatch):
    (tmp_path / "preparing_of_mine.py").write_text("def halve(x):\n    return x / 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert read_preprocess("preparing_of_mine:halve")(4) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("alexnet", "There is no preprocessing 'alexnet'. Give module:function, or one of keras.applications: "),
        ("no_such_module:f", "Module 'no_such_module' cannot be imported: No module named 'no_such_module'."),
        ("math:none", "Module 'math' has no function 'none'. Give module:function."),
        ("math:pi", "Module 'math' has no function 'pi'. Give module:function."),
        (":f", "Module '' cannot be imported: Empty module name."),
    ],
)
def test_what_is_no_preprocessing_is_refused_with_what_would_do(name, message, message_of):
    assert message_of(read_preprocess, name).startswith(message)


@pytest.mark.parametrize("kind", ["uint8", "float32"])
@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50", "efficientnet"])
def test_functions_of_keras_prepare_pixels_of_any_type_and_change_none_of_them(name, kind, rng):
    images = rng.integers(0, 255, (6, 4, 4, 3)).astype(kind)
    before = images.copy()
    split, prepare = Split(images, np.arange(6) % 2), read_preprocess(name)
    expected = prepare(images.astype("float32"))
    ((measured, _),) = measuring_batches(split, batch_size=6, preprocess=prepare)
    np.testing.assert_allclose(measured, expected, atol=1e-4)
    learned = training_batches(split, batch_size=6, seed=0, epochs=1, preprocess=prepare)
    ((shuffled, _),) = list(learned)
    np.testing.assert_allclose(np.sort(shuffled, axis=0), np.sort(expected, axis=0), atol=1e-4)
    np.testing.assert_array_equal(images, before)


def test_functions_of_ones_own_get_the_pixels_as_they_are(rng):
    split = Split(rng.integers(0, 255, (6, 4, 4, 3)).astype("uint8"), np.arange(6) % 2)
    ((same, _),) = measuring_batches(split, batch_size=6, preprocess=lambda x: x)
    assert np.asarray(same).dtype == np.uint8
