"""Courses of the learning rate over a whole training."""

from __future__ import annotations

import math

import keras
from keras import ops

from fm_keras.settings import ProbeSettings, TrainSettings

_WARM_UP = 0.25
_START = 0.04


@keras.saving.register_keras_serializable(package="fm_keras")
class Course(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate as a function of the step.

    one_cycle rises linearly from 4% of the peak over the first quarter and falls linearly to zero; cosine falls as
    half a cosine; step is multiplied by `decay` every `decay_steps` steps, the papers' (q, dt).

    Args:
        kind: one_cycle, cosine or step.
        peak: largest learning rate.
        total_steps: steps of the whole training.
        decay: factor of the step schedule.
        decay_steps: steps between its factors.
    """

    def __init__(self, kind: str, peak: float, total_steps: int, decay: float, decay_steps: int) -> None:
        self.kind, self.peak, self.total_steps = kind, peak, total_steps
        self.decay, self.decay_steps = decay, decay_steps

    def __call__(self, step):
        """Learning rate at a step, a scalar tensor."""
        step = ops.cast(step, "float32")
        done = step / self.total_steps
        if self.kind == "one_cycle":
            rise, fall = _START + (1 - _START) * done / _WARM_UP, (1 - done) / (1 - _WARM_UP)
            return self.peak * ops.maximum(ops.minimum(rise, fall), 0.0)
        if self.kind == "cosine":
            return self.peak * 0.5 * (1 + ops.cos(math.pi * ops.minimum(done, 1.0)))
        return self.peak * ops.power(self.decay, ops.floor(step / self.decay_steps))

    def get_config(self) -> dict:
        """Arguments of `__init__`."""
        names = ("kind", "peak", "total_steps", "decay", "decay_steps")
        return {name: getattr(self, name) for name in names}


def make_schedule(settings: TrainSettings | ProbeSettings, *, steps_per_epoch: int) -> Course:
    """Course of the learning rate for some settings."""
    return Course(
        settings.schedule,
        settings.learning_rate,
        settings.epochs * steps_per_epoch,
        settings.decay,
        settings.decay_every * steps_per_epoch,
    )
