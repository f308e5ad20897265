"""Analyzes on one and on two virtual devices, with batches that two cannot share evenly; prints how far apart."""

import json

import keras
import numpy as np
from two_devices import distance, network, stripes

from fm_keras.analysis import analyze
from fm_keras.distribution import spread_over
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing.compiled import compiled_by_image

settings = AnalysisSettings(fields="both", batch_size=25, max_positions=4)
probe = ProbeSettings(epochs=2, batch_size=15)
how = {"model": network(), "dataset": stripes(100), "probe": probe}
one, two = (analyze(**how, settings=settings.changed(devices=devices)) for devices in (1, 2))
found = {"filters": len(one.filters())}
for name, a, b in (("probe", one, two), ("network", one.network, two.network)):
    found[f"{name} layers"], found[f"{name} filters"] = (
        distance(*(table.select_dtypes("number").to_numpy().T for table in pair))
        for pair in ((a.layers(), b.layers()), (a.filters(), b.filters()))
    )
found["kernels"] = distance([each.kernel for each in one], [each.kernel for each in two])
found["means"] = distance([each.class_means for each in one], [each.class_means for each in two])
found["fields"] = distance([each.fields for each in one.network], [each.fields for each in two.network])

rows, shapes = np.arange(30, dtype="float32").reshape(15, 2), []
with spread_over(2):

    def doubled(images):
        shapes.append(tuple(images.shape))
        return 2 * images

    result = compiled_by_image(doubled, network())(rows)
found["by image"] = keras.ops.convert_to_numpy(result).tolist() == (2 * rows).tolist()
found["shares"] = len(result.devices()) if keras.backend.backend() == "jax" else len(shapes)
print(json.dumps(found))
