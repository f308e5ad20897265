"""What becomes of a silent unit's zero on its way through layers that work on each unit by itself."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from fm_keras.models.graph import Call, Key


def passed_constants(call: Call, constants: Mapping[int, tuple[int, np.ndarray]], axis: int) -> np.ndarray | None:
    """Value of each unit behind a call, when each unit of what it reads has one value everywhere.

    The layer is run on such maps, so what padding and pools make of them at the borders is seen too.

    Args:
        call: of a layer that works on each unit by itself; run in inference, and left as it was.
        constants: by tensor key, the axis of the units and their values.
        axis: where the units stand in the output.

    Returns:
        (U,) values; None if some unit is no longer the same everywhere, or the size of a map is not known.
    """
    shapes = dict(zip(call.inputs, call.input_shapes))
    if any(None in shape[1:] for shape in shapes.values()):
        return None
    maps = {key: _constant_map(shapes[key], *constants[key]) for key in shapes}
    args, kwargs = keras.tree.map_structure(
        lambda value: maps[value.value] if isinstance(value, Key) else value, call.arguments
    )
    (output,) = keras.tree.flatten(call.layer(*args, **kwargs))
    values = np.moveaxis(ops.convert_to_numpy(ops.cast(output, "float32")), axis, -1)
    values = values.reshape(-1, values.shape[-1])
    return values[0] if np.allclose(values, values[0], rtol=1e-6, atol=1e-6) else None


def _constant_map(shape: tuple, axis: int, values: np.ndarray):
    spread = [1] * len(shape)
    spread[axis] = len(values)
    return ops.convert_to_tensor(np.broadcast_to(values.reshape(spread), (1, *shape[1:])).astype("float32"))
