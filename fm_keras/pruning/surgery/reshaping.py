"""Where units stand after a tensor took another shape."""

from __future__ import annotations

import keras
import numpy as np

from fm_keras.models.graph import Call


def reshaped_units(call: Call, units: np.ndarray, axis: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Units along one axis of a new shape.

    Args:
        call: of Flatten or Reshape, from and to shapes of known sizes.
        units: (C,) numbers of the units that are reshaped.
        axis: where they stand, the batch counted.

    Returns:
        The axis that tells units apart, or else the last; (C',) the units along it; and (P, C') those at other places
        that share its entries, which must go with them.
    """
    shape, new = call.input_shapes[0], call.output_shapes[0]
    spread = [1] * (len(shape) - 1)
    spread[axis - 1] = -1
    places = np.broadcast_to(units.reshape(spread), shape[1:])
    if isinstance(call.layer, keras.layers.Flatten) and call.layer.data_format == "channels_first":
        places = np.moveaxis(places, 0, -1)  # as Keras does
    places = places.reshape(new[1:])
    for tried in (places.ndim - 1, 0):
        rows = np.moveaxis(places, tried, -1).reshape(-1, places.shape[tried])
        if (rows == rows[0]).all():
            return tried + 1, rows[0], rows[:0]
    rows = places.reshape(-1, places.shape[-1])
    return places.ndim, rows[0], rows[1:]
