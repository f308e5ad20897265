"""JSON to arrays and back: the fast way against the literal one, and what survives a round trip."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_keras.serving.server import tensors_json
from fm_keras.serving.server.servable import TensorSpec
from fm_keras.serving.server.statuses import RequestError
from fm_keras.serving.server.tensors_json import array_of, dump, json_of

TYPES = ["float32", "float64", "float16", "int8", "uint8", "int32", "int64", "uint32", "uint64", "bool", "object"]
LEAVES = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.none(), st.text(max_size=2), st.integers(0, 3)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=12)


def spec(dtype):
    return TensorSpec("x:0", np.dtype(dtype), dtype, None)


def outcome(call, *arguments):
    try:
        return call(*arguments)
    except RequestError as error:
        return str(error)


@given(VALUES, st.sampled_from(TYPES))
def test_the_fast_way_gives_what_going_value_by_value_gives(value, dtype):
    fast = tensors_json._array_at_once(value, np.dtype(dtype))
    slow = outcome(tensors_json._array_by_value, value, spec(dtype))

    if fast is not None:
        assert (fast.dtype, fast.shape) == (slow.dtype, slow.shape)
        np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize("dtype", TYPES[:-2])
def test_plain_lists_of_numbers_go_the_fast_way(dtype):
    value = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]

    fast = tensors_json._array_at_once(value, np.dtype(dtype))

    assert dtype == "float16" or fast.tolist() == value


@given(VALUES, st.sampled_from(TYPES))
def test_every_value_becomes_an_array_of_the_type_or_a_refusal(value, dtype):
    found = outcome(array_of, value, spec(dtype))

    assert isinstance(found, str) or found.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", TYPES[:-1])
def test_arrays_survive_the_way_to_json_and_back(rng, dtype):
    array = rng.integers(0, 2, (2, 3, 4)).astype(dtype)
    if array.dtype.kind == "f":
        array = rng.normal(size=(2, 3, 4)).astype(dtype)

    back = array_of(json.loads(dump(json_of(array))), spec(dtype))

    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)])
def test_shapes_of_all_kinds_are_written(shape):
    assert np.shape(json.loads(dump(json_of(np.zeros(shape, np.float32))))) == (
        shape if 0 not in shape else shape[: shape.index(0) + 1]
    )


def test_nan_and_infinity_stand_where_they_were(rng):
    array = rng.normal(size=(4, 5)).astype(np.float32)
    array[rng.random((4, 5)) < 0.5] = np.nan
    array[0, 0], array[3, 4] = np.inf, -np.inf

    np.testing.assert_array_equal(np.array(json.loads(dump(json_of(array))), np.float32), array)
    assert dump(json_of(np.array(np.nan, np.float32))) == b"NaN"


@given(st.binary(max_size=20))
def test_bytes_survive_base64_of_both_alphabets_padded_or_not(content):
    import base64

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(content).decode()
        assert tensors_json.decoded({"b64": text}) == tensors_json.decoded({"b64": text.rstrip("=")}) == content


def test_a_type_that_json_has_no_words_for_is_refused():
    with pytest.raises(RequestError, match="Failed to write JSON value for tensor type: complex64"):
        json_of(np.zeros(2, np.complex64))
    with pytest.raises(RequestError, match="to type: complex64"):
        array_of([1], spec("complex64"))
