"""Class sums of all 13 convolutions of VGG-16 against a plain compiled forward pass over the same batches."""

from timing import arguments, medians, show

options = arguments(__doc__)

import keras  # noqa: E402
import numpy as np  # noqa: E402

from fm_keras.data import Split, measuring_batches  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.slicing import cut_points  # noqa: E402
from fm_keras.slicing.means import ClassSums  # noqa: E402
from fm_keras.slicing.slices import frozen_body  # noqa: E402

width, images = (8, 500) if options.quick else (64, 2000)
rng = np.random.default_rng(0)
split = Split(rng.integers(0, 256, (images, 32, 32, 3), np.uint8), np.arange(images) % 10)
model = build_model(ModelSpec(name="vgg16", width=width))
cuts = cut_points(model)
body = frozen_body(model, cuts)
plain = keras.Model(body.input, body.outputs[-1])
plain.compile(jit_compile=False)
sums = ClassSums(body, cuts, labels=10, max_positions=1024)
sums.compile(jit_compile=False)
batches = measuring_batches(split, batch_size=250)
seconds = medians(
    {
        "forward pass": lambda: plain.predict(batches, verbose=0),
        "class sums of 13 layers": lambda: sums.evaluate(batches, verbose=0),
    },
    repeats=5,
)
title = f"Class means, VGG-16 width {width}, float32, {images:,} images"
show(title, seconds, "forward pass", target="within 1.10 of the forward pass")
