"""Train a classifier: presets, precision, XLA, and going on after an interruption."""

from fm_keras.training.checkpoints import finished_epochs
from fm_keras.training.checks import check_fits, check_shape, ends_in_softmax, input_names, network_shape
from fm_keras.training.schedules import make_schedule
from fm_keras.training.train import complete_settings, train_model

__all__ = [
    "check_fits",
    "check_shape",
    "complete_settings",
    "ends_in_softmax",
    "finished_epochs",
    "input_names",
    "make_schedule",
    "network_shape",
    "train_model",
]
