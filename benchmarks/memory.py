"""Peak memory of an analysis: it does not grow with the number of images, and 1,000 labels fit in 2 GB."""

import subprocess
import sys

from timing import arguments, machine

PROGRAM = """
import resource, sys
import keras, numpy as np
from fm_keras.analysis import analyze
from fm_keras.data import Dataset, Split
from fm_keras.settings import ProbeSettings
images, labels, units, side = map(int, sys.argv[1:])
layers = keras.layers
model = keras.Sequential([keras.Input((2 * side, 2 * side, 3)), layers.Conv2D(units, 3, padding="same", name="conv"),
                          layers.ReLU(), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(2)])
split = Split(np.random.default_rng(0).integers(0, 256, (images, 2 * side, 2 * side, 3), np.uint8),
              np.arange(images) % labels)
dataset = Dataset("random", split, split, tuple(map(str, range(labels))))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
analysis = analyze(model, dataset, probe=ProbeSettings(epochs=1))
len(analysis.filters())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6)
"""


def peak(images: int, labels: int, units: int, side: int) -> float:
    """GB that an analysis takes beyond Python, Keras and the images, in a process of its own."""
    values = [str(value) for value in (images, labels, units, side)]
    result = subprocess.run([sys.executable, "-c", PROGRAM, *values], check=True, capture_output=True, text=True)
    return float(result.stdout.split()[-1])


if __name__ == "__main__":
    options = arguments(__doc__)
    cases = [(1_000, 10, 64, 8), (20_000, 10, 64, 8), (4_000, 1_000, 512, 7)]
    if options.quick:
        cases = [(200, 10, 8, 4), (2_000, 10, 8, 4)]
    print("\n### Peak memory of analyze beyond the images\n\n| images | labels | units | positions | GB |")
    print("| --- | --- | --- | --- | --- |")
    for images, labels, units, side in cases:
        gigabytes = peak(images, labels, units, side)
        print(f"| {images:,} | {labels:,} | {units} | {side} x {side} | {gigabytes:.2f} |")
    print(f"\nTarget: the same for any number of images; below 2 GB for 1,000 labels. {machine()}.")
