"""Keras callbacks: what filters and layers do while a network is trained, in `fit` or in a loop of your own.

filter_quality.py             what every layer's filters are worth, in the logs of every epoch
representation_complexity.py  how hard the classes are to tell apart after each layer, likewise
tensorboard.py                pictures of chosen filters for TensorBoard
hold_masks.py                 pruned weights stay zero

measuring.py  when a callback measures, what it keeps, and that it leaves no trace
probing.py    probes that start from where they were    following.py  copies that take over a model's weights
"""

from fm_keras.callbacks.filter_quality import FilterQuality
from fm_keras.callbacks.hold_masks import HoldMasks
from fm_keras.callbacks.representation_complexity import RepresentationComplexity
from fm_keras.callbacks.tensorboard import FilterMatrices

__all__ = ["FilterMatrices", "FilterQuality", "HoldMasks", "RepresentationComplexity"]
