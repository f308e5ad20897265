import numpy as np
import pytest

from fm_keras.complexity.copies import find_copies


def test_the_first_of_equal_points_stands_for_those_of_its_label():
    points = np.array([[1.0, 0], [2, 0], [1, -0.0], [1, 0], [1, 0]], np.float32)
    labels = np.array([1, 0, 0, 1, 1])

    copies = find_copies(points, labels)

    assert copies.twin.tolist() == [0, 1, 0, 0, 0]
    assert copies.kept.tolist() == [1, 2, 0]
    assert copies.kept_as.tolist() == [2, 0, 1, 2, 2]
    assert copies.partner.tolist() == [3, -1, -1, 0, 0]


@pytest.mark.parametrize("kind_of_number", [np.float32, np.float64, np.int16])
def test_points_of_equal_checksums_are_told_apart(kind_of_number, rng, monkeypatch):
    points, labels = rng.integers(-1, 2, (40, 2)).astype(kind_of_number) * -1, rng.integers(0, 2, 40)
    usual = find_copies(points, labels)
    monkeypatch.setattr("fm_keras.complexity.copies._checksums", lambda rows: np.arange(len(rows)) % 2)

    found = find_copies(points, labels)

    for name in ("twin", "kept", "kept_as", "partner"):
        np.testing.assert_array_equal(getattr(found, name), getattr(usual, name))


def test_points_without_duplicates_stand_for_themselves(rng):
    copies = find_copies(rng.normal(size=(10, 2)), np.arange(10) % 2)

    assert copies.twin.tolist() == list(range(10))
    assert copies.kept.tolist() == [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    assert (copies.partner == -1).all()
