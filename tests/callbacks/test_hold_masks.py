"""Pruned weights stay zero without constraints, and training ends where it ends with them."""

import keras
import numpy as np
import pytest
from keras import ops

from fm_keras.callbacks import HoldMasks
from fm_keras.errors import InvalidInput
from fm_keras.pruning import connection_masks, hold_masks, verify_masks


@pytest.fixture
def masks(build):
    """Half of the connections of a nested convolution and of a Dense layer, cut."""
    rng, model = np.random.default_rng(5), build()
    return connection_masks(model, {"block/conv": rng.random((4, 6)) > 0.5, "hidden": rng.random((216, 8)) > 0.5})


class Zeros(keras.callbacks.Callback):
    """Counts the weights of the Dense layer that are zero after every batch."""

    def on_train_begin(self, logs=None):
        self.counts = []

    def on_train_batch_end(self, batch, logs=None):
        kernel = self.model.get_layer("hidden").kernel
        self.counts.append(int(ops.convert_to_numpy(ops.sum(kernel == 0))))


def test_masked_weights_are_zero_after_every_batch(fit, masks):
    zeros = Zeros()

    model, _ = fit(HoldMasks(masks), zeros)

    assert set(zeros.counts) == {int((~masks.masks["hidden"]).sum())}
    verify_masks(model, masks)


def test_it_ends_in_the_bits_in_which_constraints_end(fit, build, masks):
    held = hold_masks(build(), masks)
    keras.utils.set_random_seed(3)
    with_constraints, _ = fit(model=held)
    model = build()
    keras.utils.set_random_seed(3)
    with_callback, _ = fit(HoldMasks(masks), model=model)

    for one, other in zip(with_constraints.get_weights(), with_callback.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_without_it_masked_weights_move(fit, masks):
    model, _ = fit(epochs=1)

    with pytest.raises(InvalidInput, match="are not zero"):
        verify_masks(model, masks)


def test_averages_that_the_optimizer_puts_in_place_at_the_end_are_masked_too(fit, build, masks):
    model = build()
    model.compile(
        keras.optimizers.SGD(0.02, use_ema=True, ema_momentum=0.5),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )

    fit(HoldMasks(masks), model=model)

    verify_masks(model, masks)


def test_it_holds_in_a_hand_written_loop(build, masks, stripes):
    model = build()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    hooks = keras.callbacks.CallbackList([HoldMasks(masks)], model=model)

    hooks.on_train_begin()
    for batch in range(3):
        model.train_on_batch(stripes.train.images[:16], stripes.train.labels[:16])
        hooks.on_train_batch_end(batch)

    verify_masks(model, masks)


def test_a_config_makes_the_same_masks(masks):
    callback = HoldMasks(masks)

    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(callback))

    assert list(again.masks) == list(callback.masks)
    assert all((again.masks[path] == mask).all() for path, mask in callback.masks.items())


def test_a_mask_that_does_not_fit_is_refused_when_training_begins(fit, message_of):
    wrong = HoldMasks({"hidden": np.ones((3, 8), bool)})

    assert "it must be bool of shape (216, 8)" in message_of(lambda: fit(wrong))
