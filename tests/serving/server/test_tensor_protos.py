"""Tensors on the wire, there and back."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "uint8", "int16", "int32", "int64", "uint32", "uint64", "bool", "float16"]
)
def test_tensors_of_every_type_and_shape_survive_the_way(rng, dtype):
    from fm_keras.serving.server.tensor_protos import array_of_proto, proto_of_array

    for shape in ((), (0,), (3,), (2, 3)):
        array = np.asarray(rng.integers(0, 2, shape)).astype(dtype)
        array = np.asarray(-rng.normal(size=shape)).astype(dtype) if array.dtype.kind == "f" else array
        back = array_of_proto("x", proto_of_array(array))
        assert (back.dtype, back.shape) == (array.dtype, shape)
        np.testing.assert_array_equal(back, array)
