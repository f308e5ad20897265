"""Callbacks in a training loop of your own: half of a layer's connections are held at zero, filters are watched."""

import keras
import numpy as np
from sklearn.datasets import load_digits

from fm_keras.callbacks import FilterQuality, HoldMasks
from fm_keras.data import as_dataset

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
dataset = as_dataset(images.reshape(-1, 8, 8, 1), labels)
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 8, offset=-1),
        keras.layers.Conv2D(16, 3, activation="relu", name="first"),
        keras.layers.Conv2D(32, 3, activation="relu", name="second"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ]
)
network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

kept = np.random.default_rng(0).random((16, 32)) < 0.5  # which filter of "first" each filter of "second" may read
quality = FilterQuality(dataset, every=2)
callbacks = keras.callbacks.CallbackList([HoldMasks({"second": kept}), quality], model=network)

x, y = dataset.train.images, dataset.train.labels
callbacks.on_train_begin()
for epoch in range(5):
    callbacks.on_epoch_begin(epoch)
    for batch, first in enumerate(range(0, len(x), 32)):
        network.train_on_batch(x[first : first + 32], y[first : first + 32])
        callbacks.on_train_batch_end(batch)
    callbacks.on_epoch_end(epoch)
    print(epoch, {name: round(value, 3) for name, value in quality.last.items() if name.endswith("snr")})
callbacks.on_train_end()

kernel = keras.ops.convert_to_numpy(network.get_layer("second").kernel)
print("weights of cut connections:", np.abs(kernel[..., ~kept]).max())
