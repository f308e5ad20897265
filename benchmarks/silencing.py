"""Fields of all filters of VGG-16's last block: one pass and a contraction against silencing filter after filter."""

from timing import arguments, machine

options = arguments(__doc__)

import time  # noqa: E402

import numpy as np  # noqa: E402

from fm_keras.data import Dataset, Split  # noqa: E402
from fm_keras.filters import filter_fields  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.settings import AnalysisSettings  # noqa: E402
from fm_keras.slicing import Probe, class_means, cut_points, masked_fields  # noqa: E402

width, images, silenced = (4, 200, 4) if options.quick else (64, 2000, 6)
layers = ["conv5_1", "conv5_2", "conv5_3"]
rng = np.random.default_rng(0)
split = Split(rng.integers(0, 256, (images, 32, 32, 3), np.uint8), np.arange(images) % 10)
dataset = Dataset("random", split, split, tuple("0123456789"))
model = build_model(ModelSpec(name="vgg16", width=width))
kernels = {
    cut.layer: rng.normal(0, 0.01, (*cut.positions, cut.units, 10)).astype("float32")
    for cut in cut_points(model, layers=layers)
}


def contraction() -> dict[str, np.ndarray]:
    """Fields of every filter of the block, forward pass and compilation included."""
    means = class_means(model, dataset, layers=layers, settings=AnalysisSettings())
    return {layer: filter_fields(means[layer], kernel) for layer, kernel in kernels.items()}


start = time.perf_counter()
fields = contraction()
fast = time.perf_counter() - start

filters = sum(kernel.shape[-2] for kernel in kernels.values())
per_filter, difference = [], 0.0
for layer, kernel in kernels.items():
    # A few filters of each layer are silenced for real: the loop takes the same time for each.
    few = kernel.copy()
    start = time.perf_counter()
    slow = masked_fields(model, split, Probe(layer, few, 0.0, 0.0), units=range(silenced))
    per_filter.append((time.perf_counter() - start) / silenced)
    difference = max(difference, float(np.abs(slow - fields[layer][:silenced]).max() / np.abs(fields[layer]).max()))
loop = sum(seconds * kernel.shape[-2] for seconds, kernel in zip(per_filter, kernels.values()))

print(f"\n### Fields of the {filters} filters of the last block, VGG-16 width {width}, {images:,} images\n")
print("| what | seconds | ratio |\n| --- | --- | --- |")
print(f"| class means and contraction | {fast:.3g} | 1 |")
print(f"| silencing loop, from {silenced} filters a layer | {loop:.4g} | {loop / fast:.4g} |")
print(f"\nLargest difference {difference:.1e} of the largest field.")
print(f"Target: at least 300 times faster, agreeing to 1e-5. {machine()}.")
