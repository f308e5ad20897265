"""Small sets of images, as arrays, as prepared folders of tensorflow-datasets, and as ones still to be prepared."""

import numpy as np
import pytest

from fm_keras.data import Dataset, Split


@pytest.fixture
def split(rng):
    """23 images of 6 x 5 whose pixels all differ between images, three labels."""
    return Split(rng.integers(0, 256, (23, 6, 5, 3), dtype=np.uint8), np.arange(23) % 3)


@pytest.fixture
def dataset(rng):
    """30 + 12 grey images, labels a, b and c by turns."""
    train, test = (rng.integers(0, 256, (count, 4, 4, 1), dtype=np.uint8) for count in (30, 12))
    return Dataset("small", Split(train, np.arange(30) % 3), Split(test, np.arange(12) % 3), ("a", "b", "c"))
