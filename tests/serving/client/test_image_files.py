"""Pixels of image files, in the shape that a network takes."""

import numpy as np
import pytest
from PIL import Image

from fm_keras.errors import InvalidInput
from fm_keras.serving.client.image_files import read_pixels


@pytest.fixture
def picture(tmp_path, rng):
    pixels = rng.integers(0, 256, (6, 4, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    return tmp_path / "image.png", pixels


@pytest.mark.parametrize("shape", [(6, 4, 3), (-1, -1, 3)])
def test_an_image_of_the_right_size_comes_back_as_it_was(picture, shape):
    path, pixels = picture
    np.testing.assert_array_equal(read_pixels(path, shape), pixels)


@pytest.mark.parametrize("shape", [(8, 2, 1), (3, 5, 4), (6, 4, 1)])
def test_an_image_takes_the_size_and_channels_of_the_network(picture, shape):
    found = read_pixels(picture[0], shape)
    assert (found.shape, found.dtype) == (shape, np.uint8)


def test_inputs_that_are_no_images_are_refused(picture):
    with pytest.raises(InvalidInput, match=r"takes inputs of shape \(6, 4\); a file can only be read as \(H, W, C\)"):
        read_pixels(picture[0], (6, 4))
