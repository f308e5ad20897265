"""Measure every filter of a network of your own, trained in your own way, on your own arrays."""

import keras
from sklearn.datasets import load_digits

import fm_keras

images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1)

layers = keras.layers
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Rescaling(1 / 8, offset=-1),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="first"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="second"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
network.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
network.fit(images[:1400], labels[:1400], epochs=5, verbose=0)

analysis = fm_keras.analyze(network, (images[:1400], labels[:1400]), test=(images[1400:], labels[1400:]))

print(analysis.layers()[["layer", "units", "accuracy", "noise", "snr"]].round(2))
print(analysis.filters().sort_values("external_noise").head())
