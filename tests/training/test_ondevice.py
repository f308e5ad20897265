import keras
import numpy as np
import pytest

import fm_keras.training.train as train
from fm_keras.data import augment_arrays, draw_epoch
from fm_keras.settings import TrainSettings
from fm_keras.training.ondevice import OnDevice

SETTINGS = TrainSettings(epochs=3, batch_size=16, learning_rate=0.05, precision="float32", augment="flip+shift")


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Takes the path of a GPU on whatever device there is."""
    monkeypatch.setattr(train, "has_gpu", lambda: True)


def test_the_device_sees_the_images_that_the_host_would_have_made(small_model, stripes):
    twin = small_model()
    twin.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    device = OnDevice(twin, stripes.train)
    draw = {"seed": 5, "epoch": 2, "flip": True, "max_shift": 2}
    order, flip, shift = draw_epoch(60, **draw)
    batches = device.batches(batch_size=25, seed=5, epochs=3, first_epoch=2, flip=True, max_shift=2)
    outputs = np.concatenate([keras.ops.convert_to_numpy(device(x, training=False)) for x, _ in batches])
    expected = twin.predict(augment_arrays(stripes.train.images[order], flip, shift), verbose=0)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_training_on_the_device_learns_and_fills_the_history(as_on_a_gpu, small_model, stripes):
    history = train.train_model(small_model(), stripes, settings=SETTINGS.changed(augment="shift", epochs=4))
    assert history["val_accuracy"].iloc[-1] > 0.9


def test_callbacks_stop_the_training_on_the_device(as_on_a_gpu, small_model, stripes):
    stop = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=1e9)
    history = train.train_model(small_model(), stripes, settings=SETTINGS, callbacks=[stop])
    assert len(history) == 2


def test_a_training_on_the_device_goes_on_where_it_stopped(as_on_a_gpu, small_model, stripes, tmp_path):
    whole, resumed = small_model(), small_model()
    train.train_model(whole, stripes, settings=SETTINGS)

    def interrupt(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        train.train_model(small_model(), stripes, settings=SETTINGS, callbacks=[stop], checkpoints=tmp_path)
    train.train_model(resumed, stripes, settings=SETTINGS, checkpoints=tmp_path)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
