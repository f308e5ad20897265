"""Arrays as TensorProtos and back."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from fm_keras.serving.server.statuses import Code, RequestError, invalid

if TYPE_CHECKING:
    from tensorflow.core.framework.tensor_pb2 import TensorProto

_INTS = {"int64": "int64_val", "uint32": "uint32_val", "uint64": "uint64_val"}
# How the fields float_val, double_val and bool_val begin on the wire; in each, values lie as in memory.
_AS_IN_MEMORY = {"float32": b"\x2a", "float64": b"\x32", "bool": b"\x5a"}
_MOST_ELEMENTS = 2**28


def array_of_proto(name: str, proto: TensorProto) -> np.ndarray:
    """The array of a TensorProto.

    Args:
        name: of the input, for the error.
        proto: as a client sent it.

    Raises:
        RequestError: its content does not make a tensor.
    """
    import tensorflow as tf

    sizes = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
        raise invalid(f"tensor parsing error: {name}")
    # A few bytes can name a shape that fills the memory with copies of one value.
    if prod(sizes) > _MOST_ELEMENTS:
        raise RequestError(Code.RESOURCE_EXHAUSTED, f"tensor of more than {_MOST_ELEMENTS:,} elements: {name}")
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, KeyError):
        raise invalid(f"tensor parsing error: {name}") from None


def proto_of_array(array: np.ndarray) -> TensorProto:
    """The TensorProto of an array, its values in the typed fields as TensorFlow Serving gives them.

    Some clients read `float_val` and the like instead of calling `tf.make_ndarray`.
    """
    import tensorflow as tf
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    if array.dtype.kind not in "fiubO" or array.dtype == np.float16:
        return tf.make_tensor_proto(array)
    proto = TensorProto(dtype=tf.string.as_datatype_enum if array.dtype == object else _type_number(array.dtype))
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.size and array.dtype.name in _AS_IN_MEMORY:
        content = TensorProto(tensor_content=array.tobytes()).SerializeToString()
        proto.MergeFromString(_AS_IN_MEMORY[array.dtype.name] + content[1:])
    elif array.size:
        field = "string_val" if array.dtype == object else _INTS.get(array.dtype.name, "int_val")
        getattr(proto, field).extend(array.reshape(-1).tolist())
    return proto


def _type_number(dtype: np.dtype) -> int:
    import tensorflow as tf

    return tf.dtypes.as_dtype(dtype).as_datatype_enum
