"""Large calls of numbers alone: what the short way gives is what the long way gives, or it does not go."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_keras.serving.server import numbers_json
from fm_keras.serving.server.numbers_json import parse_numbers
from fm_keras.serving.server.predict_json import read_predict
from fm_keras.serving.server.servable import Signature, TensorSpec
from fm_keras.serving.server.statuses import RequestError
from fm_keras.serving.server.tensors_json import parse_body


def signature(dtype="float32", inputs=("x",)):
    spec = TensorSpec("x:0", np.dtype(dtype), dtype, None)
    return Signature("serving_default", "tensorflow/serving/predict", dict.fromkeys(inputs, spec), {})


def outcome(content, of):
    try:
        call = read_predict(content, of)
    except RequestError as error:
        return str(error)
    return call.form, {name: (array.dtype, array.tolist()) for name, array in call.inputs.items()}


@pytest.fixture(autouse=True)
def _small_bodies_too(monkeypatch):
    monkeypatch.setattr(numbers_json, "_SMALLEST", 0)


numbers = st.one_of(st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60))
leaves = st.one_of(numbers, numbers, st.booleans(), st.none(), st.text("[,]1", max_size=3))
lists = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=9)
shapes = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@given(
    value=st.one_of(lists, shapes.flatmap(lambda shape: st.just(np.arange(np.prod(shape)).reshape(shape).tolist()))),
    form=st.sampled_from(["instances", "inputs", "other"]),
    more=st.dictionaries(st.sampled_from(["signature_name", "inputs", "b"]), leaves, max_size=2),
    dtype=st.sampled_from(["float32", "float64", "int32", "object"]),
)
def test_the_short_way_gives_what_the_long_way_gives(value, form, more, dtype):
    body = json.dumps({form: value, **more}).encode()
    short = parse_numbers(body)

    for of in (signature(dtype), signature(dtype, ("a", "b"))):
        if short is not None:
            assert outcome(short, of) == outcome(parse_body(body), of)


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("name", [{}, {"signature_name": "serving_default"}])
def test_images_go_the_short_way(rng, form, name):
    images = rng.integers(0, 256, (2, 3, 4, 3))
    pixels = {"whole": images.tolist(), "parts": (images / 7).tolist()}

    for value in pixels.values():
        for content in ({form: value, **name}, {**name, form: value}):
            (array,) = read_predict(parse_numbers(json.dumps(content, indent=1).encode()), signature()).inputs.values()
            np.testing.assert_array_equal(array, np.float32(value))


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], [3], [4, 5, 6]],
        [[[1], [2]], [[3, 4]]],
        [[1], 2],
        [1, [2]],
        [[1, 2], []],
        [[], [1, 2]],
        [],
        [1, True],
        [1, None],
        [1, "1"],
        [{"b64": "AA=="}],
        1,
        {"x": [1]},
    ],
)
def test_lists_that_differ_in_length_or_hold_anything_else_do_not(value):
    assert parse_numbers(json.dumps({"instances": value}).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [1], "inputs": [1]}',
        b'{"instances": [1], "instances": [2]}',
        b'{"instances": [1], "signature_name": 7}',
        b'{"instances": [1], "signature_name": "["}',
        b'{"instances": [1',
        b'{"instances": [1]} 2',
        b'{"instances": [NaN]}',
        b"[1]",
        b"\xff",
        b'{"instances": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_other_bodies_do_not_either(body):
    assert parse_numbers(body) is None
