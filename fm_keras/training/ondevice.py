"""Training images that live on the device, changed at random inside the compiled step."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from fm_keras.data import Split, augment_on_device, draw_epoch


class OnDevice(keras.Model):
    """A model that is fed the numbers of training images and how to change them, not the images.

    The host sends a few bytes an image; gather, flip and shift happen in the compiled step.  Never saved: the
    images are one of its weights.

    Args:
        twin: model that is trained; callbacks see it.
        split: images (N, H, W, C), kept in their own dtype.
    """

    def __init__(self, twin: keras.Model, split: Split) -> None:
        super().__init__(name=f"{twin.name}_on_device")
        self.twin = twin
        self.split = split
        dtype = str(split.images.dtype)
        self.images = self.add_weight(shape=split.images.shape, dtype=dtype, trainable=False, name="images")
        self.images.assign(split.images)
        self.compile(twin.optimizer, loss=twin.loss, metrics=["accuracy"], jit_compile=twin.jit_compile)

    def call(self, inputs, training: bool | None = None):
        """Logits of images, or of the numbered training images after their changes."""
        if isinstance(inputs, dict):
            images = ops.take(self.images, inputs["number"], axis=0)
            inputs = augment_on_device(images, inputs["flip"], inputs["shift"])
        return self.twin(inputs, training=training)

    @property
    def stop_training(self) -> bool:
        """Callbacks stop the training through the twin that they see."""
        return self.twin.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        if hasattr(self, "twin"):
            self.twin.stop_training = value

    @property
    def history(self) -> keras.callbacks.History:
        """The history that the callbacks keep on the twin."""
        return self.twin.history

    def batches(
        self, *, batch_size: int, seed: int, epochs: int, first_epoch: int, flip: bool, max_shift: int
    ) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """Numbers and changes of the images of each step, see `fm_keras.data.training_batches`."""
        labels = self.split.labels
        for epoch in range(first_epoch, epochs):
            order, flipped, shift = draw_epoch(len(labels), seed=seed, epoch=epoch, flip=flip, max_shift=max_shift)
            for first in range(0, len(order), batch_size):
                part = slice(first, first + batch_size)
                number = order[part].astype(np.int32)
                yield {"number": number, "flip": flipped[part], "shift": shift[part]}, labels[number]
