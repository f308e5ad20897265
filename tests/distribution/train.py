"""Trains on one and on two virtual devices; prints how far they are apart."""

import json
import tempfile

import keras
import numpy as np
from two_devices import distance, message_of, network, stripes

from fm_keras.distribution import devices_here, spread_over
from fm_keras.settings import TrainSettings
from fm_keras.training import train_model

ONE = TrainSettings(epochs=2, batch_size=16, learning_rate=0.05, precision="float32", augment="shift")
TWO = ONE.changed(devices=2)
data, found = stripes(100), {}

alone, shared = network(), network()
histories = [train_model(alone, data, settings=ONE), train_model(shared, data, settings=TWO)]
numbers = [history.drop(columns="seconds").to_numpy() for history in histories]
found["weights"] = distance(alone.get_weights(), shared.get_weights())
found["moved"] = distance(alone.get_weights(), network().get_weights())
found["history"] = distance(numbers[0].T, numbers[1].T)
found["synchronized"] = shared.get_layer("norm").synchronized
found["left"] = devices_here()

broken, resumed = network(), network()


def stop(epoch, logs):
    if epoch == 1:
        raise KeyboardInterrupt


with tempfile.TemporaryDirectory() as folder:
    interrupt = keras.callbacks.LambdaCallback(on_epoch_begin=stop)
    try:
        train_model(broken, data, settings=TWO, callbacks=[interrupt], checkpoints=folder)
    except KeyboardInterrupt:
        train_model(resumed, data, settings=ONE, checkpoints=folder)
found["resumed"] = distance(alone.get_weights(), resumed.get_weights())

odd = network()
ragged = train_model(odd, stripes(101), settings=TWO.changed(epochs=1))
found["ragged"] = bool(np.isfinite(ragged["loss"]).all())

with spread_over(2) as devices:
    found["inside"] = [devices, devices_here()]
found["too many"] = message_of(lambda: train_model(network(), data, settings=ONE.changed(devices=4)))
found["odd batch"] = message_of(lambda: train_model(network(), data, settings=TWO.changed(batch_size=25)))
if keras.backend.backend() == "tensorflow":
    found["another number"] = message_of(lambda: train_model(network(), data, settings=ONE.changed(devices=3)))
    found["xla"] = message_of(lambda: train_model(network(), data, settings=TWO.changed(xla="on")))
print(json.dumps(found))
