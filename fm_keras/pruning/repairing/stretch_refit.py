"""Neighboring layers of a pruned model, fitted together: what counts is what they hand on, not each unit between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
from keras import ops
from scipy.stats import gmean

from fm_keras.pruning.repairing.refit import split_images
from fm_keras.pruning.repairing.stretches import StretchModel
from fm_keras.settings import RepairSettings

_RATE = 0.06  # of Adam, in shares of the size of the kernels' numbers
_BATCH = 50
_MEMORY = 0.99  # of Adam for the size of gradients, of which there are few
_ALIKE = 1e-9  # a smaller share of the targets' variance is rounding
_TINY = 1e-12


def refit_stretch(
    model: StretchModel, given: Sequence[np.ndarray], targets: Sequence[np.ndarray], settings: RepairSettings
) -> bool:
    """Fit the layers of a stretch together, and hand them back if that is better on held-out images.

    Minimizes the squared error of all that the stretch makes, each tensor in shares of its variance, over kernels,
    biases and BatchNorm's scale and shift, by Adam from where they are, its rate falling to zero.

    Args:
        model: the stretch; its copies change.
        given: (N, ...) what it reads.
        targets: (N, ...) what it shall make.
        settings: passes over the images, batch size, seed.

    Returns:
        Whether the pruned model's layers have changed.

    Source: reconstruction of blocks for quantization, arXiv:2102.05426; that they overlap is *ours*.
    """
    fitted, held_out = split_images(len(targets[0]), settings.seed)
    if not len(fitted):
        return False
    size = min(_BATCH, len(fitted))
    steps = settings.passes * (len(fitted) // size)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_rate(model), steps), beta_2=_MEMORY),
        loss=[_error(target) for target in targets],
    )
    others = [[each[held_out] for each in arrays] for arrays in (given, targets)]

    def miss() -> float:
        return float(np.ravel(model.evaluate(*others, batch_size=settings.batch_size, verbose=0))[0])

    before = miss()
    if before < _ALIKE:
        return False
    for images in _batches(fitted, size, settings):
        model.train_on_batch([each[images] for each in given], [each[images] for each in targets])
    if not miss() < before:
        return False
    model.hand_back()
    return True


def _rate(model: StretchModel) -> float:
    kernels = [ops.convert_to_numpy(copy.kernel) for copy in model.copies.values() if hasattr(copy, "kernel")]
    return _RATE * float(gmean([np.sqrt(np.square(kernel).mean()) + _TINY for kernel in kernels]))


def _error(target: np.ndarray) -> Callable:
    """Squared error in shares of the variance."""
    variance = max(float(target.var()), _TINY)
    return lambda wanted, made: ops.mean(ops.square(made - wanted)) / variance


def _batches(images: np.ndarray, size: int, settings: RepairSettings) -> Iterator[np.ndarray]:
    """Images of each step, in another order in each pass."""
    rng = np.random.default_rng(settings.seed)
    for _ in range(settings.passes):
        order = rng.permutation(images)
        yield from np.split(order[: len(order) // size * size], len(order) // size)
