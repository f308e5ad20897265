"""All 13 probes of VGG-16 trained in the same passes, against a forward pass and against one probe at a time."""

from timing import arguments, medians, show

options = arguments(__doc__)

import keras  # noqa: E402
import numpy as np  # noqa: E402

from fm_keras.data import Split, count_batches, measuring_batches, training_batches  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.slicing import cut_points  # noqa: E402
from fm_keras.slicing.probes import ProbeHeads  # noqa: E402
from fm_keras.slicing.slices import frozen_body  # noqa: E402

width, images, batch = (8, 500, 100) if options.quick else (64, 2000, 100)
rng = np.random.default_rng(0)
split = Split(rng.integers(0, 256, (images, 32, 32, 3), np.uint8), np.arange(images) % 10)
model = build_model(ModelSpec(name="vgg16", width=width))
cuts = cut_points(model)
steps = count_batches(images, batch)


def trainer(chosen: list) -> ProbeHeads:
    """Heads for some cuts, ready to train."""
    heads = ProbeHeads(frozen_body(model, chosen), chosen, 10, 1e-4, 1024)
    heads.compile(keras.optimizers.SGD(0.01, 0.9, nesterov=True), jit_compile=False)
    return heads


def epoch(heads: ProbeHeads) -> None:
    """One epoch over the images."""
    batches = training_batches(split, batch_size=batch, seed=0, epochs=1)
    heads.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)


joint, alone = trainer(cuts), [trainer([cut]) for cut in cuts]
plain = keras.Model(joint.body.input, joint.body.outputs[-1])
plain.compile(jit_compile=False)
seconds = medians(
    {
        "forward pass": lambda: plain.predict(measuring_batches(split, batch_size=batch), verbose=0),
        "13 probes jointly, one epoch": lambda: epoch(joint),
        "13 probes one at a time, one epoch": lambda: [epoch(heads) for heads in alone],
    }
)
title = f"Probes, VGG-16 width {width}, float32, {images:,} images"
show(title, seconds, "forward pass", target="jointly within 1.5 of a forward pass, 6 times faster than alone")
ratio = seconds["13 probes one at a time, one epoch"] / seconds["13 probes jointly, one epoch"]
print(f"One at a time over jointly: {ratio:.3g}")
