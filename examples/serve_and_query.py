"""Export a measured network, host it, and ask what its filters are worth."""

from pathlib import Path

import keras
from sklearn.datasets import load_digits

import fm_keras
from fm_keras.data import as_dataset
from fm_keras.serving.client import Client
from fm_keras.serving.server import Server
from fm_keras.settings import ServeSettings

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
dataset = as_dataset(images.reshape(-1, 8, 8, 1), labels)
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(16, 3, activation="relu", name="first"),
        keras.layers.Conv2D(32, 3, activation="relu", name="second"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ]
)
network.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
network.fit(dataset.train.images, dataset.train.labels, epochs=5, verbose=0)
analysis = fm_keras.analyze(network, dataset, fields="both")

# A SavedModel below saved_models/digits/, checked against Python; TensorFlow Serving hosts it just as well.
print("exported to", fm_keras.export(network, analysis, to="saved_models", name="digits"))

with (
    Server(Path("saved_models"), ServeSettings(rest_port=0, grpc_port=0)) as server,
    Client(server.rest_url, model="digits") as client,
):
    found = client.predict(dataset.test.images)
    print("accuracy", (found.labels == dataset.test.labels).mean())
    for layer in client.layer_summaries():
        print(layer.layer, layer.accuracy, "SNR", layer.snr)

    # Layers and labels go by name; many filters go in one request.
    worth = sorted(client.filter_qualities("second"), key=lambda each: each.quality, reverse=True)
    for each in worth[:3]:
        print("filter", each.filter, "speaks for", each.clusters, "and costs", each.quality, "nats to lose")
    print("most of label 3:", client.top_filters("second", "3", count=3))
    print("on one image:", client.filter_response(dataset.test.images[:1], "second", worth[0].filter))
