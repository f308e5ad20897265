"""The constraint that keeps a mask, by itself."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from fm_keras.models.constraints import KeepMask


@pytest.fixture
def mask(rng):
    return rng.random((7, 5)) < 0.5


def test_what_is_cut_becomes_zero_and_the_rest_stays(mask, rng):
    kernel = rng.normal(size=(3, 3, 7, 5)).astype("float32")
    kernel[..., 2, 1] = np.nan
    mask[2, 1] = False
    found = ops.convert_to_numpy(KeepMask(mask)(ops.convert_to_tensor(kernel)))
    np.testing.assert_array_equal(found, np.where(mask, kernel, 0))
    assert not np.signbit(found[..., ~mask]).any()


def test_the_other_constraint_comes_first(mask, rng):
    kernel = ops.convert_to_tensor(rng.normal(size=(7, 5)).astype("float32"))
    both = KeepMask(mask, keras.constraints.UnitNorm(axis=0))
    expected = np.where(mask, keras.constraints.UnitNorm(axis=0)(kernel), 0)
    np.testing.assert_allclose(ops.convert_to_numpy(both(kernel)), expected, rtol=1e-6)


def test_its_config_is_plain_json_that_makes_it_again(mask):
    both = KeepMask(mask, KeepMask(~mask, keras.constraints.MaxNorm(1.5)))
    config = json.loads(json.dumps(keras.constraints.serialize(both)))
    again = keras.constraints.deserialize(config)
    np.testing.assert_array_equal(again.mask, mask)
    np.testing.assert_array_equal(again.first.mask, ~mask)
    assert again.first.first.max_value == 1.5


def test_its_config_is_short():
    bits = KeepMask(np.ones((512, 512), bool)).get_config()["bits"]
    assert len(bits) <= 512 * 512 / 6 + 4
