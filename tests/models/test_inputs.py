"""Enlarging, padding and scaling inside the model."""

import keras
import numpy as np
import pytest

from fm_keras.models.inputs import enlargement_factor, image_input, padded_size


@pytest.mark.parametrize(
    ("height", "width", "smallest", "factor", "size"),
    [
        (32, 32, 32, 1, (32, 32)),
        (48, 40, 32, 1, (48, 40)),
        (8, 8, 32, 4, (32, 32)),
        (28, 28, 32, 1, (32, 32)),
        (24, 24, 32, 2, (48, 48)),
        (10, 30, 32, 3, (32, 90)),
        (1, 1, 16, 13, (16, 16)),
        (8, 8, 8, 1, (8, 8)),
    ],
)
def test_small_images_are_enlarged_by_a_whole_factor_and_the_few_missing_pixels_padded(
    height, width, smallest, factor, size
):
    assert enlargement_factor((height, width, 3), smallest) == factor
    assert padded_size((height, width, 3), smallest) == size


@pytest.mark.parametrize("side", range(1, 70))
def test_no_side_ends_below_the_smallest_and_padding_stays_below_a_quarter(side):
    shape = (side, side + 5, 1)
    factor = enlargement_factor(shape, 32)
    assert min(padded_size(shape, 32)) >= 32
    assert padded_size(shape, 32)[0] - factor * side < 32 / 4


def test_pixels_are_scaled_to_minus_one_and_one_and_padding_is_black():
    pixels = np.full((1, 3, 4, 1), 255, "uint8")
    image, x = image_input((3, 4, 1), smallest=8)
    seen = np.asarray(keras.Model(image, x)(pixels))
    expected = np.full((1, 9, 12, 1), 1.0)
    np.testing.assert_allclose(seen, expected, atol=1e-6)

    pixels[:] = 0
    pixels[:, 1, 2] = 255
    image, x = image_input((3, 4, 1), smallest=10)
    seen = np.asarray(keras.Model(image, x)(pixels))[0, :, :, 0]
    assert seen.shape == (10, 12)  # 3 x 3 pixels for one, and one black row below
    np.testing.assert_allclose(np.argwhere(seen > 0), [(row, column) for row in (3, 4, 5) for column in (6, 7, 8)])
    np.testing.assert_allclose(seen[seen < 0], -1, atol=1e-6)
