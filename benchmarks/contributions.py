"""Contributions of all 13 convolutions of VGG-16 against a forward pass, and quality against silencing every unit."""

from timing import arguments, medians, show

options = arguments(__doc__)

import time  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

from fm_keras.data import Dataset, Split  # noqa: E402
from fm_keras.devices import choose_xla  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.settings import AnalysisSettings  # noqa: E402
from fm_keras.slicing import GatedModel, cut_points, measure_network, silence_cost  # noqa: E402

SILENCED = 4
"""units of each layer that are timed; a layer's time is taken as theirs times its units"""


def images(count: int) -> Split:
    """Random images with every label."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return Split(pixels, np.arange(count) % 10)


def passes(width: int, count: int) -> None:
    """One forward and ten backward passes against one forward pass, both compiled."""
    model = build_model(ModelSpec(name="vgg16", width=width))
    model.compile(jit_compile=choose_xla("auto"))
    gated, x = GatedModel(model), images(count).images
    seconds = medians(
        {
            "forward pass": lambda: model.predict_on_batch(x),
            "contributions of 13 layers to 10 logits": lambda: gated.contributions(x),
        },
        repeats=5,
    )
    title = f"Contributions, VGG-16 width {width}, float32, a batch of {count}"
    show(title, seconds, "forward pass", target="within 15 forward passes")


def silencing(width: int, count: int) -> None:
    """Quality of every unit against the true cost of silencing it, where only the layers behind it run again."""
    model, split = build_model(ModelSpec(name="vgg16", width=width)), images(count)
    dataset = Dataset("random", split, split, tuple("0123456789"))
    settings = AnalysisSettings(images=None)
    seconds = medians(
        {"quality of all units, start included": lambda: measure_network(model, dataset, settings=settings)}, repeats=1
    )
    total = 0.0
    for cut in cut_points(model):
        few, many = (_time(model, split, cut.layer, units) for units in (SILENCED, 3 * SILENCED))
        total += few + (many - few) / (2 * SILENCED) * (cut.units - SILENCED)
    seconds["silencing every unit, tail only"] = total
    title = f"Quality against silence, VGG-16 width {width}, {count:,} images"
    show(
        title,
        {name: seconds[name] for name in reversed(seconds)},
        "quality of all units, start included",
        target="20 times faster at width 16, 80 times at width 64",
    )


def _time(model: keras.Model, split: Split, layer: str, units: int) -> float:
    start = time.perf_counter()
    silence_cost(model, split, layer, list(range(units)))
    return time.perf_counter() - start


if options.quick:
    passes(8, 100)
    silencing(8, 100)
else:
    passes(16, 250)
    passes(64, 250)
    silencing(16, 5000)
    silencing(64, 500)
