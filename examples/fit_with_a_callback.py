"""Watch the filters of every layer while a network is trained, and keep the network whose filters are clearest."""

import keras
import pandas as pd
from sklearn.datasets import load_digits

from fm_keras.callbacks import FilterQuality, RepresentationComplexity
from fm_keras.data import as_dataset

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
dataset = as_dataset(images.reshape(-1, 8, 8, 1), labels)
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 8, offset=-1),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="first"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="second"),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(10),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile("adam", loss, metrics=["accuracy"])

# What measures stands before what reads the logs.
quality = FilterQuality(dataset, quality=True)
history = network.fit(
    dataset.train.images,
    dataset.train.labels,
    epochs=4,
    callbacks=[
        quality,
        RepresentationComplexity(dataset, ["first", "second"]),
        keras.callbacks.ModelCheckpoint("best.keras", monitor="second_snr", mode="max", save_best_only=True),
        keras.callbacks.CSVLogger("log.csv"),
    ],
    verbose=0,
)

print(pd.DataFrame(history.history)[["loss", "second_snr", "second_noise", "second_n3"]].round(3), "\n")
print(quality.history.round(3), "\n")
print(quality.analysis["second"].table.sort_values("external_noise").head())  # every filter, as measured last
