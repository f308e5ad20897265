import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_keras.data import augment_arrays, augment_on_device, draw_epoch
from fm_keras.data.augment import augment_tensors


def pixel_by_pixel(images, flip, shift):
    """The definition, read literally."""

    def mirrored(index, size):
        while not 0 <= index < size:
            index = -1 - index if index < 0 else 2 * size - 1 - index
        return index

    result = np.empty_like(images)
    for image, row, column in np.ndindex(images.shape[:3]):
        _, height, width, _ = images.shape
        source = width - 1 - column if flip[image] else column
        from_row, from_column = mirrored(row + shift[image, 0], height), mirrored(source + shift[image, 1], width)
        result[image, row, column] = images[image, from_row, from_column]
    return result


def case(rng, dtype=np.uint8, most=4):
    images = rng.integers(0, 256, (16, 6, 5, 3)).astype(dtype)
    shift = rng.integers(-most, most, (16, 2), np.int32, endpoint=True)
    return images, rng.integers(0, 2, 16).astype(bool), shift


@pytest.mark.parametrize("most", [0, 1, 4, 30])
def test_arrays_are_augmented_as_the_definition_reads(rng, most):
    changes = case(rng, most=most)
    assert np.array_equal(augment_arrays(*changes), pixel_by_pixel(*changes))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("most", [0, 4, 30])
def test_a_device_gives_the_same_pixels_as_arrays(rng, dtype, most):
    changes = case(rng, dtype, most)

    result = np.asarray(augment_on_device(*changes))

    assert result.dtype == dtype
    assert np.array_equal(result, augment_arrays(*changes))


@pytest.mark.tensorflow
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("most", [0, 4, 30])
def test_the_tensorflow_operation_gives_the_same_pixels_as_arrays(rng, dtype, most):
    changes = case(rng, dtype, most)
    assert np.array_equal(augment_tensors(*changes).numpy(), augment_arrays(*changes))


def test_on_a_device_it_compiles_with_xla(rng):
    import keras

    changes = case(rng)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        pixels = tf.TensorSpec((None, 6, 5, 3), tf.uint8)
        signature = (pixels, tf.TensorSpec((None,), tf.bool), tf.TensorSpec((None, 2), tf.int32))
        compiled = tf.function(augment_on_device, jit_compile=True, input_signature=signature)
    else:
        import jax

        compiled = jax.jit(augment_on_device)

    assert np.array_equal(np.asarray(compiled(*changes)), augment_arrays(*changes))


def test_a_flip_of_a_flip_is_the_image(rng):
    images, _, _ = case(rng)
    flip, still = np.ones(16, bool), np.zeros((16, 2), int)

    once = augment_arrays(images, flip, still)

    assert np.array_equal(once, images[:, :, ::-1])
    assert np.array_equal(augment_arrays(once, flip, still), images)


def test_nothing_to_do_leaves_the_images_as_they_are(rng):
    images, _, _ = case(rng)
    assert np.array_equal(augment_arrays(images, np.zeros(16, bool), np.zeros((16, 2), int)), images)


def test_a_shift_moves_the_inner_pixels_by_exactly_that_much():
    images = np.arange(64).reshape(1, 8, 8, 1)
    moved = augment_arrays(images, np.array([False]), np.array([[2, -3]]))
    assert np.array_equal(moved[0, :6, 3:], images[0, 2:, :5])


@given(seed=st.integers(0, 2**31 - 1), epoch=st.integers(0, 999), most=st.integers(0, 8))
def test_an_epoch_has_every_image_once_and_no_shift_beyond_the_largest(seed, epoch, most):
    order, flip, shift = draw_epoch(50, seed=seed, epoch=epoch, flip=True, max_shift=most)

    assert sorted(order) == list(range(50))
    assert (flip.shape, flip.dtype, shift.shape, shift.dtype) == ((50,), bool, (50, 2), np.int32)
    assert np.abs(shift).max() <= most


def test_flips_are_as_likely_as_not_and_all_shifts_equally_likely():
    _, flip, shift = draw_epoch(90_000, seed=0, epoch=0, flip=True, max_shift=1)

    assert abs(flip.mean() - 0.5) < 0.01
    counts = np.unique(shift, axis=0, return_counts=True)[1]
    assert len(counts) == 9
    assert np.abs(counts / 10_000 - 1).max() < 0.05


def test_without_flips_none_is_flipped():
    assert not draw_epoch(100, seed=0, epoch=0, flip=False, max_shift=4)[1].any()
