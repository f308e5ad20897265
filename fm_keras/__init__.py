"""Train a classifier, cut it at any layer, read what every single filter says about the labels, and act on it.

data       images and labels, and how they are fed to a model
models     the networks of the papers, every width a parameter; the graph and the operations of any model
training   presets, precision, XLA, and going on after an interruption
slicing    where a model can be cut; Dense probes and class means of all layers in one pass; contributions to the logits
filters    single-filter performance: fields, clusters, noise, SNR; quality (NumPy and pandas alone)
analysis   analyze(model, dataset) -> Analysis: the main job for any Keras model
reports    pictures, one web page, and runs beside each other
pruning    prune(model, dataset, ...) -> Pruning: a smaller, ordinary network; every way to say what units are worth
complexity measure_complexity(model, dataset) -> table: how hard the classes are to tell apart after each layer
callbacks  FilterQuality and others for Keras' fit or a loop of yours: filters while a network is trained
scaling    sweep(dataset, to=...) -> table: many trainings, here or on a cluster; laws of width, power laws
serving    SavedModels that answer what a filter is worth, an embedded server, and a light client

Importing this package imports neither Keras nor TensorFlow.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "analyze", "export", "measure_complexity", "prune", "sweep"]

_VERBS = {
    "analyze": "fm_keras.analysis",
    "export": "fm_keras.serving",
    "measure_complexity": "fm_keras.complexity",
    "prune": "fm_keras.pruning",
    "sweep": "fm_keras.scaling",
}
_WINGS = tuple(
    "analysis callbacks complexity data filters models pruning reports scaling serving slicing training".split()
)


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return getattr(import_module(_VERBS[name]), name)
    if name in _WINGS:
        return import_module(f"fm_keras.{name}")
    raise AttributeError(f"module 'fm_keras' has no attribute {name!r}. It has: {', '.join([*_VERBS, *_WINGS])}.")
