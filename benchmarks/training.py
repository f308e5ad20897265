"""train_model against a bare train_on_batch loop over the same network in the same precision."""

from timing import arguments, machine

options = arguments(__doc__)

import statistics  # noqa: E402
import time  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

from fm_keras.data import Dataset, Split  # noqa: E402
from fm_keras.devices import choose_precision  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.settings import TrainSettings  # noqa: E402
from fm_keras.training import train_model  # noqa: E402
from fm_keras.training.twin import training_twin  # noqa: E402

width, images, epochs, batch = (4, 500, 3, 100) if options.quick else (64, 2000, 4, 100)
rng = np.random.default_rng(0)
train = Split(rng.integers(0, 256, (images, 32, 32, 3), np.uint8), np.arange(images) % 10)
dataset = Dataset("random", train, train.take(np.arange(100)), tuple("0123456789"))
settings = TrainSettings(epochs=epochs, batch_size=batch, augment="none")
model = build_model(ModelSpec(name="vgg16", width=width))

bare = training_twin(model, precision=choose_precision("auto"), l2=settings.l2, seed=0)
bare.compile(
    keras.optimizers.SGD(0.01, 0.9, nesterov=True),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=False,
)


def bare_epoch() -> float:
    """Seconds of one epoch of train_on_batch."""
    start = time.perf_counter()
    for first in range(0, images, batch):
        bare.train_on_batch(train.images[first : first + batch], train.labels[first : first + batch])
    return time.perf_counter() - start


class Clock(keras.callbacks.Callback):
    """Seconds from the first to the last step of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def on_test_begin(self, logs=None) -> None:
        """The training part of the epoch is over when validation starts."""
        self.seconds.append(time.perf_counter() - self.start)


bare_epoch()
loop = [bare_epoch() for _ in range(epochs - 1)]
clock = Clock()
train_model(model, dataset, settings=settings, callbacks=[clock])
loop += [bare_epoch() for _ in range(epochs - 1)]
ours, theirs = statistics.median(clock.seconds[1:]), statistics.median(loop)

print(f"\n### Training, VGG-16 width {width}, {choose_precision('auto')}, {images:,} images an epoch\n")
print("| what | images a second | ratio |\n| --- | --- | --- |")
print(f"| bare train_on_batch loop | {images / theirs:.4g} | 1 |")
print(f"| train_model | {images / ours:.4g} | {theirs / ours:.3g} |")
print(f"\nTarget: at least 0.95 of the bare loop. {machine()}.")
