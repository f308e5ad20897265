"""The matrices of some filters, epoch by epoch, in TensorBoard: tensorboard --logdir logs"""

from importlib.util import find_spec

import keras
from sklearn.datasets import load_digits

from fm_keras.callbacks import FilterMatrices, FilterQuality
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

quality = FilterQuality(dataset, ["second"])
callbacks = [quality, FilterMatrices("logs", quality, {"second": [0, 1, 2]})]
if find_spec("tensorboard"):  # Keras' own callback writes the curves; it needs that package, pictures do not
    callbacks.append(keras.callbacks.TensorBoard("logs"))
network.fit(dataset.train.images, dataset.train.labels, epochs=3, callbacks=callbacks, verbose=0)

print(quality.history.round(3))
print("pictures in logs/filters: tensorboard --logdir logs")
