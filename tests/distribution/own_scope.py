"""A user's own distribution: `fit` with a callback of ours in it, training and analysis inside; prints how far off."""

import json
from contextlib import contextmanager

import keras
from two_devices import distance, message_of, network, stripes

from fm_keras.analysis import analyze
from fm_keras.callbacks import FilterQuality
from fm_keras.distribution import devices_here
from fm_keras.settings import AnalysisSettings, ProbeSettings, TrainSettings
from fm_keras.training import train_model

data, probe = stripes(100), ProbeSettings(epochs=2, batch_size=20)
settings = TrainSettings(epochs=1, batch_size=20, learning_rate=0.05, precision="float32", augment="none")
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    scope = strategy.scope
else:
    scope = keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:2]).scope


@contextmanager
def nothing():
    yield


def fitted(around_all, around_fit) -> tuple[list, list[float]]:
    """Weights, and the SNR that the callback saw."""
    with around_all():
        model = network()
        if keras.backend.backend() == "tensorflow":
            model.get_layer("norm").synchronized = True
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.05), loss=loss)
    quality = FilterQuality(data, probe=probe, images=60)
    with around_fit():
        history = model.fit(
            data.train.images, data.train.labels, batch_size=20, epochs=2, callbacks=[quality], shuffle=False, verbose=0
        )
    return model.get_weights(), history.history["conv_snr"]


found = {}
alone, snr = fitted(nothing, nothing)
for name, around_fit in (("inside", scope), ("outside", nothing)):
    if name == "outside" and keras.backend.backend() == "jax":
        continue  # Keras itself cannot fit there what was made inside
    weights, seen = fitted(scope, around_fit)
    found[name] = [distance(alone, weights), max(abs(a / b - 1) for a, b in zip(snr, seen, strict=True))]

tables, trained = [], []
for around in (nothing, scope):
    with around():
        model = network()
        analysis = analyze(model, data, settings=AnalysisSettings(fields="both"), probe=probe)
        tables.append(analysis.filters().select_dtypes("number").to_numpy().T)
        train_model(model, data, settings=settings)
        trained.append(model.get_weights())
        found["still there"] = devices_here()
found["analysis"], found["training"] = distance(*tables), distance(*trained)
if keras.backend.backend() == "tensorflow":
    with scope():
        found["other number"] = message_of(lambda: train_model(model, data, settings=settings.changed(devices=3)))
print(json.dumps(found))
