"""A fit with callbacks that measure ends in the same bits as one without."""

import random

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.callbacks import FilterQuality, RepresentationComplexity


def draws():
    """The next numbers of every random stream that a training may read."""
    found = [random.random(), np.random.rand(), *ops.convert_to_numpy(keras.random.normal((2,)))]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found += tf.random.uniform((2,)).numpy().tolist()
    return found


def state(model):
    """Weights, seeds of random layers and the optimizer's state."""
    return [ops.convert_to_numpy(each) for each in (*model.variables, *model.optimizer.variables)]


@pytest.fixture
def measuring(stripes):
    def make():
        return [FilterQuality(stripes, quality=True), RepresentationComplexity(stripes, measures=["n1", "n3"])]

    return make


def test_a_fit_with_callbacks_ends_in_the_same_bits(fit, measuring):
    plain, logs = fit()
    after = draws()
    watched, more = fit(*measuring())

    assert after == draws()
    assert [each.tobytes() for each in state(plain)] == [each.tobytes() for each in state(watched)]
    assert {name: more[name] for name in logs} == logs
    assert len(more) > len(logs)


def test_the_compiled_step_and_trainable_flags_stay(fit, build, measuring):
    model, _ = fit(epochs=1)
    step, flags = model.train_function, [layer.trainable for layer in model.layers]

    fit(*measuring(), model=model)

    assert model.train_function is step
    assert [layer.trainable for layer in model.layers] == flags


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_measures_in_a_training_of_mixed_precision_without_a_trace(fit, build, stripes, policy):
    def trained(*callbacks):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            return fit(*callbacks, epochs=1)
        finally:
            keras.config.set_dtype_policy(before)

    quality = FilterQuality(stripes)
    plain, _ = trained()
    watched, logs = trained(quality)

    assert [each.tobytes() for each in state(plain)] == [each.tobytes() for each in state(watched)]
    assert all(np.isfinite(value[-1]) or name.endswith("snr") for name, value in logs.items())
    assert all(head.dtype == "float32" for head in quality._probes.heads.heads)
    assert quality.analysis["first"].class_means.dtype == np.float32


def noisy(generator, *, built):
    """A network with a function in it that draws from a generator, Keras' global one if None."""

    def noise(x):
        return x + 0.01 * keras.random.normal(ops.shape(x), seed=generator)

    head = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, name="conv"), layers.Lambda(noise), layers.Flatten()]
    tail = [layers.Dense(6, activation="relu", name="hidden"), layers.Dense(3)]
    return keras.Sequential([*([keras.Input((8, 8, 1))] if built else []), *head, *tail])


REFUSED = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="on JAX Keras refuses to draw without a seed in a training"
)
CASES = [pytest.param(False, True, marks=REFUSED), pytest.param(False, False, marks=REFUSED), (True, True)]


@pytest.mark.parametrize(("shared", "built"), CASES, ids=["global", "global, not built", "shared"])
def test_a_generator_that_copies_share_with_the_model_is_not_drawn_from(fit, measuring, shared, built):
    def trained(*callbacks):
        keras.utils.set_random_seed(3)
        generator = keras.random.SeedGenerator(5) if shared else None
        model, _ = fit(*callbacks, model=noisy(generator, built=built), epochs=2)
        drawn = ops.convert_to_numpy(keras.random.normal((2,), seed=generator))
        return [each.tobytes() for each in (*state(model), drawn)]

    assert trained() == trained(*measuring())
