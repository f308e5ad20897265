"""Images and labels: where they come from, and how they are fed to a model.  Imports neither Keras nor TensorFlow."""

from fm_keras.data.arrays import as_dataset
from fm_keras.data.augment import augment_arrays, augment_on_device, draw_epoch
from fm_keras.data.batches import count_batches, filled_batches, measuring_batches, training_batches
from fm_keras.data.catalog import describe_sources, flips
from fm_keras.data.datasets import Dataset, Split, check_labels
from fm_keras.data.selection import choose_images, choose_labels, hold_out, limit_images, stratified_split
from fm_keras.data.sources import load_dataset, own_files

__all__ = [
    "Dataset",
    "Split",
    "as_dataset",
    "augment_arrays",
    "augment_on_device",
    "check_labels",
    "choose_images",
    "choose_labels",
    "count_batches",
    "describe_sources",
    "draw_epoch",
    "filled_batches",
    "flips",
    "hold_out",
    "limit_images",
    "load_dataset",
    "measuring_batches",
    "own_files",
    "stratified_split",
    "training_batches",
]
