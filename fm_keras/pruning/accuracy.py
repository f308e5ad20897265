"""How well a network does on images: measured without compiling it, so that nothing of it changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from fm_keras.data import Split, measuring_batches
from fm_keras.errors import InvalidInput
from fm_keras.models.outputs import describe_outputs
from fm_keras.progress import Progress, Step, silent
from fm_keras.slicing.compiled import compiled
from fm_keras.slicing.logits import cross_entropies
from fm_keras.training import ends_in_softmax

_BATCH = 500


def check_one_output(model: keras.Model) -> None:
    """Check that a model has one output alone: repair and fine-tuning would leave the others as the cut left them.

    Raises:
        InvalidInput: several; the message lists them and says what would do.
    """
    if len(model.outputs) > 1:
        raise InvalidInput(
            f"Model {model.name!r} has {len(model.outputs)} outputs, and one alone can be kept in shape while units "
            f"go: {describe_outputs(model)}. Prune the part that makes one of them: "
            "fm_keras.models.choose_output(model, name), saved with .save(path)."
        )


def evaluate(
    model: keras.Model,
    split: Split,
    *,
    preprocess: Callable[[Any], Any] | None = None,
    name: str = "test",
    progress: Progress = silent,
) -> tuple[float, float]:
    """Accuracy and loss of a classifier.

    Args:
        model: one output of logits or probabilities (N, K); left as it was.
        split: labeled images.
        preprocess: applied to every batch of images.
        name: what progress calls it.
        progress: told about every step.

    Returns:
        Share of the images that are recognized, and the mean cross entropy in nats.
    """
    forward = compiled(partial(model, training=False), model)
    softmax, steps = ends_in_softmax(model), math.ceil(len(split) / _BATCH)
    loss, hits = 0.0, 0
    for step, (x, y) in enumerate(measuring_batches(split, batch_size=_BATCH, preprocess=preprocess), start=1):
        outputs, labels = ops.convert_to_numpy(forward(x)).astype(np.float64), ops.convert_to_numpy(y)
        logits = np.log(np.maximum(outputs, keras.config.epsilon())) if softmax else outputs
        loss += float(cross_entropies(logits, labels).sum())
        hits += int((outputs.argmax(axis=1) == labels).sum())
        note = f"test accuracy {hits / len(split):.3f}" if step == steps else ""
        progress(Step(name, step, steps, note))
    return hits / len(split), loss / len(split)
