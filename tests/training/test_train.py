import keras
import numpy as np
import pandas as pd
import pytest

from fm_keras.callbacks import FilterQuality
from fm_keras.errors import BadRun, InvalidInput
from fm_keras.settings import TrainSettings
from fm_keras.training import complete_settings, ends_in_softmax, train_model

# Stripes that are flipped change their label.
SETTINGS = TrainSettings(epochs=4, batch_size=16, learning_rate=0.05, precision="float32", augment="shift", seed=3)


class StopAfter(keras.callbacks.Callback):
    """Interrupts a training as Ctrl-C would, in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.last = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.last and batch == 1:
            raise KeyboardInterrupt


def assert_same_weights(one: keras.Model, other: keras.Model) -> None:
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_learns_and_the_history_has_one_row_an_epoch(small_model, stripes):
    history = train_model(small_model(), stripes, settings=SETTINGS)
    assert list(history["epoch"]) == [1, 2, 3, 4]
    assert {"accuracy", "loss", "val_accuracy", "val_loss", "learning_rate", "seconds"} < set(history.columns)
    assert history["val_accuracy"].iloc[-1] > 0.9


def test_the_model_has_the_accuracy_that_the_history_reports(small_model, stripes):
    model = small_model()
    history = train_model(model, stripes, settings=SETTINGS)
    guesses = model.predict(stripes.test.images, verbose=0).argmax(axis=1)
    assert (guesses == stripes.test.labels).mean() == pytest.approx(history["val_accuracy"].iloc[-1])


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small_model, stripes):
    models = [small_model() for _ in range(3)]
    for model, seed in zip(models, (3, 3, 4)):
        train_model(model, stripes, settings=SETTINGS.changed(seed=seed))
    assert_same_weights(models[0], models[1])
    assert not np.array_equal(models[0].get_weights()[0], models[2].get_weights()[0])


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_a_training_that_goes_on_ends_where_one_without_interruption_does(epoch, small_model, stripes, tmp_path):
    whole, broken = small_model(), small_model()
    expected = train_model(whole, stripes, settings=SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        train_model(broken, stripes, settings=SETTINGS, callbacks=[StopAfter(epoch)], checkpoints=tmp_path)
    resumed = small_model()
    history = train_model(resumed, stripes, settings=SETTINGS, checkpoints=tmp_path)
    assert_same_weights(whole, resumed)
    pd.testing.assert_frame_equal(history.drop(columns="seconds"), expected.drop(columns="seconds"))


def test_the_history_holds_what_callbacks_put_into_the_logs_and_keeps_it_when_training_goes_on(
    small_model, stripes, tmp_path
):
    how = {"settings": SETTINGS.changed(epochs=2), "checkpoints": tmp_path}
    logged = []

    def callbacks(*more):
        look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logged.append(logs["conv_snr"]))
        return [FilterQuality(stripes, ["conv"], images=30), look, *more]

    with pytest.raises(KeyboardInterrupt):
        train_model(small_model(), stripes, **how, callbacks=callbacks(StopAfter(1)))
    history = train_model(small_model(), stripes, **how, callbacks=callbacks())

    assert history["epoch"].tolist() == [1, 2]
    np.testing.assert_array_equal(history["conv_snr"], logged)
    assert history.columns[-1] == "seconds"


def test_the_history_holds_numbers_alone(small_model, stripes, tmp_path):
    say = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(said="well", found=epoch / 2))
    how = {"settings": SETTINGS.changed(epochs=2), "checkpoints": tmp_path, "callbacks": [say]}
    history = train_model(small_model(), stripes, **how)
    assert history["found"].tolist() == [0, 0.5] and "said" not in history


def test_an_interrupted_training_leaves_the_model_as_it_was(small_model, stripes, tmp_path):
    model = small_model()
    with pytest.raises(KeyboardInterrupt):
        train_model(model, stripes, settings=SETTINGS, callbacks=[StopAfter(2)], checkpoints=tmp_path)
    assert_same_weights(model, small_model())


def test_a_finished_training_is_read_from_its_checkpoint(small_model, stripes, tmp_path):
    first, again = small_model(), small_model()
    train_model(first, stripes, settings=SETTINGS, checkpoints=tmp_path)
    history = train_model(again, stripes, settings=SETTINGS, callbacks=[StopAfter(0)], checkpoints=tmp_path)
    assert len(history) == 4
    assert_same_weights(first, again)


def test_a_checkpoint_of_other_settings_is_refused(small_model, stripes, tmp_path):
    train_model(small_model(), stripes, settings=SETTINGS.changed(epochs=1), checkpoints=tmp_path)
    with pytest.raises(BadRun, match="belongs to a training with other settings, data or model"):
        train_model(small_model(), stripes, settings=SETTINGS, checkpoints=tmp_path)


def test_a_truncated_checkpoint_is_named(small_model, stripes, tmp_path):
    train_model(small_model(), stripes, settings=SETTINGS.changed(epochs=1), checkpoints=tmp_path)
    state = tmp_path / "state.npz"
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(BadRun, match=r"state\.npz cannot be read .* Remove it to train from the start"):
        train_model(small_model(), stripes, settings=SETTINGS.changed(epochs=1), checkpoints=tmp_path)


def test_the_user_s_model_stays_float32_uncompiled_and_trainable_as_it_was(small_model, stripes):
    model = small_model()
    model.get_layer("conv").trainable = False
    frozen = model.get_layer("conv").get_weights()[0].copy()
    train_model(model, stripes, settings=SETTINGS.changed(epochs=1, precision="mixed_bfloat16"))
    assert [layer.trainable for layer in model.layers].count(False) == 1
    assert not model.compiled
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    np.testing.assert_array_equal(model.get_layer("conv").get_weights()[0], frozen)


def test_a_network_with_augmentation_inside_is_trained_without_a_warning(small_model, stripes):
    image = keras.Input((8, 8, 1))
    moving = keras.Model(image, small_model()(keras.layers.RandomTranslation(0.1, 0.0)(image)))
    history = train_model(moving, stripes, settings=SETTINGS.changed(epochs=1))
    assert history["accuracy"].iloc[0] > 0.3


def test_callbacks_see_the_network_and_can_stop_it(small_model, stripes):
    seen = []
    stop = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=1e9)
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    history = train_model(small_model(), stripes, settings=SETTINGS, callbacks=[look, stop])
    assert len(history) == 2
    assert "learning_rate" in seen[0]
    assert stop.model.get_layer("conv").name == "conv"


def test_a_softmax_model_is_trained_on_its_probabilities(small_model, stripes):
    logits = small_model()
    model = keras.Model(logits.input, keras.layers.Softmax()(logits.output))
    history = train_model(model, stripes, settings=SETTINGS)
    assert history["val_accuracy"].iloc[-1] > 0.9
    assert history["loss"].iloc[0] < 3


def test_progress_counts_every_step_and_tells_what_each_epoch_brought(small_model, stripes):
    steps = []
    train_model(small_model(), stripes, settings=SETTINGS.changed(epochs=2), progress=steps.append)
    assert [step.done for step in steps] == [1, 2, 3, 4, 4, 5, 6, 7, 8, 8]
    assert {step.total for step in steps} == {8}
    assert "1/2 epochs, test accuracy" in steps[4].note
    assert "2/2 epochs, test accuracy" in steps[-1].note


def test_a_model_of_another_label_count_is_refused(small_model, stripes):
    base = small_model()
    model = keras.Model(base.input, keras.layers.Dense(5)(base.layers[-2].output), name="five")
    with pytest.raises(InvalidInput) as error:
        train_model(model, stripes)
    assert str(error.value) == (
        "Model 'five' has 5 outputs, but stripes has 3 labels. Choose as many labels, or build the model for them."
    )


def test_images_of_another_shape_are_refused(stripes):
    model = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Flatten(), keras.layers.Dense(3)], name="nine")
    with pytest.raises(InvalidInput) as error:
        train_model(model, stripes)
    assert str(error.value) == (
        "Model 'nine' takes images of shape (9, 9, 1), but those of stripes are (8, 8, 1). "
        "Resize the images, or build the model for their shape."
    )


def test_open_settings_follow_network_and_data_and_explicit_ones_stay(small_model, stripes):
    normalized = small_model()
    plain = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    assert complete_settings(TrainSettings(), normalized, stripes).batch_size == 32
    assert complete_settings(TrainSettings(), normalized, stripes).learning_rate == 0.1
    assert complete_settings(TrainSettings(), plain, stripes).learning_rate == 0.03
    assert complete_settings(TrainSettings(batch_size=7, learning_rate=1), plain, stripes).batch_size == 7


def test_float16_is_trained_with_loss_scaling(small_model, stripes):
    optimizers = []
    look = keras.callbacks.LambdaCallback(on_train_end=lambda logs: optimizers.append(look.model.optimizer))
    settings = SETTINGS.changed(precision="mixed_float16", epochs=1)
    train_model(small_model(), stripes, settings=settings, callbacks=[look])
    assert isinstance(optimizers[0], keras.optimizers.LossScaleOptimizer)


def test_a_softmax_inside_a_nested_model_is_found():
    layers = keras.layers
    head = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
    assert ends_in_softmax(keras.Sequential([keras.Input((4,)), layers.Dense(4), head]))
    assert not ends_in_softmax(
        keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="softmax"), layers.Dense(3)])
    )
