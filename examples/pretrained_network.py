"""EfficientNet-B0 of keras.applications in ten lines: what its filters say about labels that it was not made for.

With weights="imagenet" Keras downloads what it learned; pictures of yours come from load_dataset("folder:PATH").
"""

import keras
from sklearn.datasets import load_digits

import fm_keras


def measure(weights=None, layers=("stem_conv", "block1a_project_conv", "block2a_dwconv")):
    """Filters of EfficientNet-B0 on digits, enlarged four times and gray."""
    network = keras.applications.EfficientNetB0(weights=weights, include_top=False, input_shape=(32, 32, 3))
    images, labels = load_digits(return_X_y=True)
    images = (images[:200].reshape(-1, 8, 8, 1) * 15).repeat(4, axis=1).repeat(4, axis=2).repeat(3, axis=3)
    prepare = keras.applications.efficientnet.preprocess_input
    return fm_keras.analyze(network, (images, labels[:200]), layers=layers, preprocess=prepare)


analysis = measure()
print(analysis.layers()[["layer", "units", "positions", "accuracy", "noise", "snr"]].round(2))
print(analysis.filters().sort_values("snr", ascending=False).head())
