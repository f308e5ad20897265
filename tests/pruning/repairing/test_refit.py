"""A kernel fitted by least squares, against NumPy's own and against what it was."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.models.graph import walk
from fm_keras.pruning.repairing.patches import Inputs, Patches
from fm_keras.pruning.repairing.refit import Clip, Samples, fit_kernel
from fm_keras.settings import RepairSettings

EXACT = RepairSettings(ridges=(1e-7,), steps=0)
RELU = Clip(np.ones(4), np.zeros(4))


@pytest.fixture
def problem(rng):
    """Samples of a convolution of images, targets that it can nearly make, and its kernel with bias as it is."""
    layer = layers.Conv2D(4, 3, strides=2, padding="same")
    image = keras.Input((6, 6, 2))
    (call,) = walk(keras.Model(image, layer(image))).calls
    x = rng.normal(size=(40, 6, 6, 2)).astype("float32")
    wanted = layers.Conv2D(4, 3, strides=2, padding="same", bias_initializer="ones")
    targets = ops.convert_to_numpy(wanted(x)) + rng.normal(scale=0.5, size=(40, 3, 3, 4)).astype("float32")
    inputs = Inputs(Patches(call, x), places=10_000, group=(0, 1), bias=True, seed=0)
    start = np.concatenate([ops.convert_to_numpy(layer.kernel).reshape(18, 4), np.zeros((1, 4))])
    return Samples(inputs, targets, seed=0), start


def everything(samples):
    blocks = list(samples.blocks(samples.all))
    return (np.concatenate([block[i] for block in blocks]).astype(float) for i in (0, 1))


def test_the_fit_is_that_of_numpy_on_literal_patches(problem):
    samples, start = problem
    x, targets = everything(samples)
    expected, *_ = np.linalg.lstsq(x, targets)
    np.testing.assert_allclose(fit_kernel(samples, start, clip=None, settings=EXACT), expected, atol=1e-4)


def test_a_kernel_that_cannot_be_better_stays_as_it_is(problem):
    samples, start = problem
    wanted = fit_kernel(samples, start, clip=None, settings=EXACT)
    nothing = Samples(samples.inputs, np.zeros((40, 3, 3, 4), "float32"), seed=0)
    assert (fit_kernel(nothing, np.zeros_like(start), clip=None, settings=EXACT) == 0).all()
    again = fit_kernel(samples, wanted, clip=None, settings=EXACT)
    np.testing.assert_allclose(again, wanted, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 1 / 3])
def test_of_a_layer_that_reads_constants_the_bias_alone_is_fitted(value, rng):
    layer = layers.Dense(3)
    numbers = keras.Input((5,))
    (call,) = walk(keras.Model(numbers, layer(numbers))).calls
    inputs = Inputs(Patches(call, np.full((40, 5), value, "float32")), places=99, group=(0, 1), bias=True, seed=0)
    targets, start = rng.normal(size=(40, 3)).astype("float32") + 7, rng.normal(size=(6, 3))
    fitted = fit_kernel(Samples(inputs, targets, seed=0), start, clip=None, settings=RepairSettings())
    np.testing.assert_array_equal(fitted[:-1], start[:-1])
    np.testing.assert_allclose(value * fitted[:-1].sum(axis=0) + fitted[-1], targets.mean(axis=0), rtol=1e-5)
    wide = Samples(inputs, np.full((40, 3), value * start[:-1].sum(axis=0) + start[-1]), seed=0)
    np.testing.assert_allclose(fit_kernel(wide, start, clip=None, settings=RepairSettings()), start, atol=1e-6)


def test_moments_are_sums_that_tell_the_residual(problem, rng):
    samples, start = problem
    x, targets = everything(samples)
    moments = samples.moments(samples.fitted) + samples.moments(samples.held_out)
    assert moments.residual(start) == pytest.approx(np.square(x @ start - targets).sum(), rel=1e-5)
    assert len(samples.held_out) == 8 and not set(samples.held_out) & set(samples.fitted)


def test_the_ridge_is_that_of_the_least_error_on_held_out_images(problem):
    samples, start = problem
    held_out = samples.moments(samples.held_out)
    chosen = fit_kernel(samples, start, clip=None, settings=RepairSettings(ridges=(1e-6, 1e6), steps=0))
    stiff = fit_kernel(samples, start, clip=None, settings=RepairSettings(ridges=(1e6,), steps=0))
    assert held_out.residual(chosen) < 0.5 * held_out.residual(stiff)


def test_steps_bring_outputs_nearer_behind_the_relu_by_way_of_an_upper_bound(problem):
    samples, start = problem
    x, targets = everything(samples)

    def errors(steps):
        outputs = x @ fit_kernel(samples, start, clip=RELU, settings=RepairSettings(ridges=(1e-6,), steps=steps))
        bound = np.square(outputs - RELU.relax(targets, outputs)).mean()
        true = np.square(np.maximum(outputs, 0) - np.maximum(targets, 0)).mean()
        assert true <= bound
        return true, bound

    (linear, at_first), (_, later), (relaxed, last) = (errors(steps) for steps in (0, 2, 10))
    assert at_first > later > last and linear > relaxed


def test_targets_move_only_where_both_are_cut_off_alike(rng):
    clip = Clip(np.array([2.0, -1.0, 0.0]), np.array([1.0, 0.5, 3.0]), high=2.0)
    targets, outputs = rng.normal(scale=2, size=(2, 500, 3))
    relaxed = clip.relax(targets, outputs)
    behind = [np.clip(clip.scale * each + clip.shift, 0, 2) for each in (targets, outputs, relaxed)]
    moved = ~np.isclose(relaxed, targets)
    np.testing.assert_allclose(behind[2], behind[0], atol=1e-9)
    alike = (behind[0] == behind[1]) & ((behind[0] == 0) | (behind[0] == 2)) & (clip.scale != 0)
    np.testing.assert_allclose(relaxed[alike], outputs[alike])
    assert moved[:, :2].any() and not moved[:, 2].any()
