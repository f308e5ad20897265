"""Arrays as JSON: exact, and short."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fm_keras.serving.client.json_arrays import dump_tensor, dump_tensors

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays(np.float32, (2, 3), elements=finite))
def test_every_float32_comes_back_to_the_bit(values):
    np.testing.assert_array_equal(np.array(json.loads(dump_tensor(values)), np.float32), values)


@given(arrays(np.int64, (3,), elements=st.integers(-(2**63), 2**63 - 1)))
def test_every_whole_number_comes_back(values):
    assert json.loads(dump_tensor(values)) == values.tolist()


def test_pixels_are_written_without_a_point_whatever_their_type(rng):
    pixels = rng.integers(0, 256, (2, 4, 4, 3))

    assert dump_tensor(pixels.astype("float32")) == dump_tensor(pixels.astype("uint8"))
    assert "." not in dump_tensor(pixels.astype("float64"))


def test_fractions_take_little_more_than_half_of_what_json_writes(rng):
    values = rng.random((4, 8, 8, 3), dtype=np.float32)

    assert len(dump_tensor(values)) < 0.65 * len(json.dumps(values.tolist()))


def test_bytes_strings_and_names_are_what_tensorflow_serving_reads():
    tensors = {"image_bytes": [b"\x00\xff", b""], 'a "b"': ["caf\u00e9", "{1}"], "layer_index": [3]}

    assert json.loads(dump_tensors(tensors)) == {
        "image_bytes": [{"b64": "AP8="}, {"b64": ""}],
        'a "b"': ["caf\u00e9", "{1}"],
        "layer_index": [3],
    }


def test_floats_of_an_example_have_a_point_since_without_one_they_would_be_integers():
    features = {"image": np.array([0, 1.5, 255], np.float32), "count": [3], "image_bytes": b"\x00"}

    written = dump_tensors(features, examples=True)

    assert written == '{"image":[0.0,1.5,255.0],"count":[3],"image_bytes":{"b64": "AA=="}}'


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [1.0, np.inf]])
def test_what_is_not_finite_is_refused_before_it_is_sent(bad, message_of):
    assert "finite" in message_of(dump_tensor, np.array(bad))


def test_objects_are_refused_by_type(message_of):
    assert message_of(dump_tensor, [object()]).endswith("these are object.")
