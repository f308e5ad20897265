"""Fields as the papers measure them: silence all of a probe's weights but those of one unit, and predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.data import Split, measuring_batches
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing.cuts import cut_points
from fm_keras.slicing.probes import Probe
from fm_keras.slicing.slices import flat_activations, frozen_body


def masked_fields(
    model: keras.Model,
    split: Split,
    probe: Probe,
    *,
    units: Sequence[int] | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
) -> np.ndarray:
    """Mean output of a probe per label, with the weights of all units but one set to zero, for each unit in turn.

    One pass over the images per unit: slow, and there to check `filter_fields` against.

    Args:
        model: the network, left as it was.
        split: labeled images; every label has some.
        probe: the probe of the layer.
        units: which units; all if None.
        settings: batch size and largest number of positions.
        preprocess: applied to every batch of images.

    Returns:
        (units, K, K) fields in logits: [unit, label of the input, output].

    Source: third phase of arXiv:2305.18078, taken literally.
    """
    settings = settings or AnalysisSettings()
    (cut,) = cut_points(model, layers=[probe.layer])
    body = frozen_body(model, [cut])
    kernel = probe.kernel.reshape(-1, cut.units, probe.kernel.shape[-1])
    activation = flat_activations(body.outputs[0], cut, settings.max_positions)
    flat = ops.reshape(activation, (-1, kernel[..., 0].size))
    dense = keras.layers.Dense(kernel.shape[-1], use_bias=False, dtype="float32", name="probe")
    network = keras.Model(body.input, dense(flat))
    network.compile()
    batches = measuring_batches(split, batch_size=settings.batch_size, preprocess=preprocess)
    fields = []
    for unit in range(cut.units) if units is None else units:
        masked = np.zeros_like(kernel)
        masked[:, unit] = kernel[:, unit]
        dense.set_weights([masked.reshape(-1, kernel.shape[-1])])
        outputs = network.predict(batches, verbose=0)
        fields.append([outputs[split.labels == label].mean(axis=0) for label in range(kernel.shape[-1])])
    return np.array(fields)
