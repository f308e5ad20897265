"""Masks hold through training, and what is delivered is an ordinary model."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.models import load_model, read_model
from fm_keras.models.graph import rebuild, walk
from fm_keras.pruning import afcc_masks, connection_masks, hold_masks, release_masks, verify_masks
from fm_keras.pruning.masks.connections import connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.settings import TrainSettings
from fm_keras.training import train_model

LOSS = "sparse_categorical_crossentropy"


@pytest.fixture
def tiny():
    """Two Dense layers, and masks for both."""
    keras.utils.set_random_seed(1)
    numbers = keras.Input((4,))
    x = layers.Dense(6, "tanh", name="one")(numbers)
    model = keras.Model(numbers, layers.Dense(2, "softmax", name="out")(x), name="tiny")
    rng = np.random.default_rng(2)
    return model, connection_masks(model, {"one": rng.random((4, 6)) < 0.5, "out": rng.random((6, 2)) < 0.5})


@pytest.fixture
def images(rng):
    """(x, y) that the network with every kind of kernel can be trained on."""
    return rng.normal(size=(12, 4, 4, 4)).astype("float32"), rng.integers(0, 2, 12)


@pytest.fixture
def small_masks(network):
    """Some connections of every kernel of the network that was analyzed."""
    shapes = {path: each.shape for path, each in connections_of(Dependencies(network)).items()}
    rng = np.random.default_rng(5)
    return connection_masks(network, {path: rng.random(shape) < 0.6 for path, shape in shapes.items()})


def zeroed(model, masks):
    """A copy of the model whose masked slices are set to zero one by one."""
    graph = walk(model)
    copy = rebuild(model, graph, list(graph.outputs))
    for path, mask in masks.masks.items():
        layer = copy.get_layer(path)
        weight = getattr(layer, "pointwise_kernel", None) if "separable" in path else layer.kernel
        kernel = np.array(weight)
        for row, column in np.argwhere(~mask).tolist():
            one, other = (column, row) if path in ("transposed", "einsum") else (row, column)
            kernel[..., one, other] = 0
        weight.assign(kernel)
    return copy


def test_the_masked_model_puts_out_what_the_one_with_zeroed_slices_does(
    connected, half, images, outputs_of, assert_alike
):
    expected = outputs_of(zeroed(connected, half), images[0])
    held = hold_masks(connected, half)
    assert_alike(outputs_of(held, images[0]), expected)
    assert_alike(outputs_of(release_masks(held), images[0]), expected)


def test_masks_of_every_kind_of_kernel_hold_after_every_step_and_the_rest_learns(connected, half, images):
    held = hold_masks(connected, half)
    held.compile(keras.optimizers.Adam(0.1, weight_decay=0.1), LOSS, jit_compile=False)
    before = {path: each.slices() for path, each in connections_of(Dependencies(held)).items()}
    for _ in range(3):
        held.train_on_batch(*images)
        verify_masks(held, half)
    for path, each in connections_of(Dependencies(held)).items():
        assert (each.slices() != before[path])[:, half.masks[path]].mean() > 0.9, path


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.AdamW(0.1)),
        lambda: keras.optimizers.RMSprop(0.1, gradient_accumulation_steps=2),
    ],
    ids=["momentum", "scaled", "accumulated"],
)
def test_masks_hold_after_every_step_of_any_optimizer(tiny, images, optimizer):
    model, masks = tiny
    held = hold_masks(model, masks)
    held.compile(optimizer(), LOSS, jit_compile=False)
    for _ in range(4):
        held.train_on_batch(images[0][:, 0, 0], images[1])
        verify_masks(held, masks)
    assert (held.get_layer("one").get_weights()[0] != model.get_layer("one").get_weights()[0])[masks.masks["one"]].all()


def test_without_the_constraints_masked_weights_come_back(tiny, images, message_of):
    model, masks = tiny
    plain = release_masks(hold_masks(model, masks))
    plain.compile(keras.optimizers.SGD(0.1), LOSS, jit_compile=False)
    plain.train_on_batch(images[0][:, 0, 0], images[1])
    assert re.match(r"\d+ of \d+ masked weights of 'one' are not zero, up to", message_of(verify_masks, plain, masks))


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_masks_hold_through_train_model_in_every_precision(network, small_masks, dataset, precision):
    held = hold_masks(network, small_masks)
    before = held.get_weights()
    settings = TrainSettings(epochs=2, batch_size=20, precision=precision, learning_rate=0.01, xla="off")
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            verify_masks(self.model, small_masks)
            seen.append(self.model)

    train_model(held, dataset, settings=settings, callbacks=[Watch()])
    verify_masks(held, small_masks)
    assert len(seen) == 2 and seen[0] is not held
    assert any((one != other).any() for one, other in zip(held.get_weights(), before))


def test_the_model_itself_is_left_alone(connected, half, images):
    before = connected.get_weights()
    held = hold_masks(connected, half)
    held.compile("sgd", LOSS, jit_compile=False)
    held.train_on_batch(*images)
    for one, other in zip(connected.get_weights(), before):
        np.testing.assert_array_equal(one, other)
    assert all(getattr(layer, "kernel_constraint", None) is None for layer in connected.layers)


def test_names_nesting_and_trainable_flags_are_kept(network, small_masks):
    network.get_layer("block").get_layer("conv").trainable = False
    network.get_layer("hidden").trainable = False
    masks = connection_masks(network, small_masks.masks)
    for copy in (hold_masks(network, masks), release_masks(hold_masks(network, masks))):
        assert [call.path for call in walk(copy).calls] == [call.path for call in walk(network).calls]
        assert [call.layer.trainable for call in walk(copy).calls] == [c.layer.trainable for c in walk(network).calls]
        assert [w.path for w in copy.trainable_weights] == [w.path for w in network.trainable_weights]


def test_a_constraint_of_the_users_own_acts_first_and_comes_back(images):
    numbers = keras.Input((4,))
    x = layers.Dense(3, kernel_constraint=keras.constraints.NonNeg(), name="one")(numbers)
    model = keras.Model(numbers, layers.Dense(2, activation="softmax", name="out")(x))
    mask = np.ones((4, 3), bool)
    mask[0] = False
    masks = connection_masks(model, {"one": mask})
    held = hold_masks(model, masks)
    held.compile(keras.optimizers.SGD(1.0), LOSS, jit_compile=False)
    held.train_on_batch(images[0][:, 0, 0], images[1])
    kernel = held.get_layer("one").get_weights()[0]
    assert not kernel[0].any() and (kernel >= 0).all() and kernel.any()
    constraint = release_masks(held).get_layer("one").kernel_constraint
    assert type(constraint) is keras.constraints.NonNeg


def test_masks_can_be_put_on_masks(connected, half, connected_analysis):
    held = hold_masks(connected, half)
    second = afcc_masks(held, connected_analysis)
    both = hold_masks(held, second)
    for each in (half, second):
        verify_masks(both, each)
    assert release_masks(both).get_layer("hidden").kernel_constraint is None


def test_averages_of_weights_are_found_out(tiny, images, message_of):
    """`use_ema` averages weights before constraints act, and puts the averages in place at the end."""
    model, masks = tiny
    held = hold_masks(model, masks)
    held.compile(keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5), LOSS, jit_compile=False)
    held.fit(images[0][:, 0, 0], images[1], epochs=2, verbose=0)
    assert "are not zero" in message_of(verify_masks, held, masks)
    assert "are not zero" in message_of(release_masks, held)


def test_a_checkpoint_in_mid_training_goes_on_to_the_same_result(tiny, images, tmp_path):
    model, masks = tiny
    held = hold_masks(model, masks)
    held.compile(keras.optimizers.Adam(0.01, weight_decay=0.01), LOSS, jit_compile=False)
    given = {"x": images[0][:, 0, 0], "y": images[1], "epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    held.fit(**given)
    held.save(tmp_path / "held.keras")
    held.fit(**given)

    loaded = load_model(tmp_path / "held.keras")
    assert int(loaded.optimizer.iterations) == 6
    loaded.fit(**given)

    verify_masks(loaded, masks)
    for one, other in zip(loaded.get_weights(), held.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def python(program, folder):
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


GO_ON = """
import numpy as np
from fm_keras.models import load_model
held = load_model("held.keras")
held.train_on_batch(np.ones((2, 4)), np.array([0, 1]))
held.save("again.keras")
"""
LOAD = """
import sys
import keras, numpy as np
plain = keras.saving.load_model("plain.keras", safe_mode=True)
np.save("y.npy", plain.predict(np.load("x.npy"), verbose=0))
print("fm_keras" in sys.modules)
"""


def test_another_process_goes_on_from_the_checkpoint(tiny, tmp_path, monkeypatch):
    model, masks = tiny
    held = hold_masks(model, masks)
    held.compile("sgd", LOSS, jit_compile=False)
    held.save(tmp_path / "held.keras")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    python(GO_ON, tmp_path)
    again = read_model(tmp_path / "again.keras")
    verify_masks(again, masks)
    assert any((one != other).any() for one, other in zip(again.get_weights(), held.get_weights()))


def test_what_is_released_loads_in_a_process_without_fm_keras(connected, half, images, tmp_path, outputs_of):
    plain = release_masks(hold_masks(connected, half))
    plain.save(tmp_path / "plain.keras")
    np.save(tmp_path / "x.npy", images[0])
    assert python(LOAD, tmp_path) == "False\n"
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), outputs_of(plain, images[0])[0], rtol=1e-5, atol=1e-6)


def test_a_layer_that_cannot_be_copied_is_one_line(message_of):
    class Odd(layers.Layer):
        def __init__(self, something):
            super().__init__(name="odd")

        def call(self, inputs):
            return inputs

        def get_config(self):
            return super().get_config()

    numbers = keras.Input((4,))
    model = keras.Model(numbers, layers.Dense(2, name="out")(layers.Dense(3, name="one")(Odd(1)(numbers))))
    masks = connection_masks(model, {"out": np.ones((3, 2), bool)})
    assert "Layer 'odd' (Odd) cannot be copied from its config" in message_of(hold_masks, model, masks)


def test_functions_in_lambda_layers_are_kept(images, outputs_of, assert_alike):
    numbers = keras.Input((4,))
    x = layers.Dense(3, name="one")(layers.Lambda(lambda x: 2 * x + 1, name="twice")(numbers))
    model = keras.Model(numbers, layers.Dense(2, name="out")(x))
    held = hold_masks(model, connection_masks(model, {"out": np.ones((3, 2), bool)}))
    x = images[0][:, 0, 0]
    assert_alike(outputs_of(held, x), outputs_of(model, x))
