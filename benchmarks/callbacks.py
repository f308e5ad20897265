"""Seconds that callbacks take at the end of an epoch, against the rest of it: VGG-16 width 16, images like CIFAR-10."""

from timing import arguments, show

options = arguments(__doc__)

import statistics  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

from fm_keras.callbacks import FilterQuality, HoldMasks, RepresentationComplexity  # noqa: E402
from fm_keras.data import Dataset, Split, load_dataset  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.settings import TrainSettings  # noqa: E402
from fm_keras.training import train_model  # noqa: E402

SHARE = 8
"""one in so many images of an epoch is trained on: the steps are the same, and an epoch takes so many times that"""


def random_images(*counts: int) -> Dataset:
    """Random images in the shape of CIFAR-10: time does not depend on what they show."""
    rng = np.random.default_rng(0)
    train, test = (Split(rng.integers(0, 256, (n, 32, 32, 3), np.uint8), np.arange(n) % 10) for n in counts)
    return Dataset("cifar10", train, test, tuple("0123456789"))


class Clock(keras.callbacks.Callback):
    """Seconds of whole epochs, validation and callbacks included."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Stop the clock; it stands behind all others."""
        self.ends.append(time.perf_counter())


def timed(callback: keras.callbacks.Callback, hook: str) -> list[float]:
    """Seconds of every call of a hook, which goes on as before."""
    seconds: list[float] = []
    called: Callable = getattr(callback, hook)

    def call(*arguments, **named):
        start = time.perf_counter()
        called(*arguments, **named)
        seconds.append(time.perf_counter() - start)

    setattr(callback, hook, call)
    return seconds


digits = load_dataset("digits") if options.quick else None
trained, dataset = (
    (digits, digits) if digits else (random_images(50_000 // SHARE, 10_000 // SHARE), random_images(4000, 4000))
)
spec = {"width": 4, "image_shape": dataset.image_shape} if options.quick else {"width": 16}
share, epochs = (1, 3) if options.quick else (SHARE, 4)
model = build_model(ModelSpec(name="vgg16", **spec))
measured = {
    "FilterQuality, all 13 layers": FilterQuality(dataset),
    "FilterQuality, the last layer": FilterQuality(dataset, ["conv5_3"]),
    "FilterQuality with quality, the last layer": FilterQuality(dataset, ["conv5_3"], quality=True),
    "RepresentationComplexity, all 13 layers": RepresentationComplexity(dataset),
}
spent = {name: timed(callback, "on_epoch_end") for name, callback in measured.items()}
convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
masks = {layer.name: np.random.default_rng(0).random(layer.kernel.shape[-2:]) < 0.5 for layer in convolutions}
holding = HoldMasks(masks)
held = timed(holding, "on_train_batch_end")
clock = Clock()
settings = TrainSettings(epochs=epochs, batch_size=125)
train_model(model, trained, settings=settings, callbacks=[holding, *measured.values(), clock])

# The first epoch compiles, so there is one interval less than epochs.
holds = statistics.median(held) * len(held) / epochs
rest = [whole - holds - sum(each[n + 1] for each in spent.values()) for n, whole in enumerate(np.diff(clock.ends))]
images = share * len(trained.train)
base = f"an epoch of {images:,} images without them"
seconds = {base: share * statistics.median(rest)}
seconds |= {name: statistics.median(each[1:]) for name, each in spent.items()}
seconds["HoldMasks, all convolutions, every batch"] = share * holds
seconds |= {f"{name}, first time": each[0] for name, each in spent.items()}
target = "FilterQuality at its defaults at most 0.1 of an epoch of CIFAR-10"
show(f"Callbacks, VGG-16 width {spec['width']}, validation included", seconds, base, target=target)
