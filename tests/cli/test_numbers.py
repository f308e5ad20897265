import math

import pytest

from fm_keras_cli.numbers import amount, count, decimals, duration, figures, file_size, listed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.012345, "0.0123"),
        (4.5, "4.50"),
        (9.999, "10.0"),
        (33.3333, "33.3"),
        (1434.6, "1,430"),
        (-2.5, "-2.50"),
        (math.inf, "∞"),
        (math.nan, "-"),
    ],
)
def test_figures_are_three(value, text):
    assert figures(value) == text


@pytest.mark.parametrize(("value", "text"), [(950, "950"), (18_432, "18.4 k"), (999_990, "1.00 M"), (3.13e8, "313 M")])
def test_large_amounts_have_a_unit(value, text):
    assert amount(value) == text


def test_sizes_durations_and_counts_are_as_people_write_them():
    assert (file_size(4_123_456), file_size(12)) == ("4.12 MB", "12 bytes")
    assert [duration(seconds) for seconds in (0.4, 80, 3600 * 12 + 1)] == ["0:00:00", "0:01:20", "12:00:01"]
    assert [count(1, "epoch"), count(1437, "image"), count(3, "pass")] == ["1 epoch", "1,437 images", "3 passes"]


def test_decimals_are_fixed_so_that_columns_line_up():
    assert [decimals(value, 2) for value in (1.1, 27, math.inf, math.nan)] == ["1.10", "27.00", "∞", "-"]


def test_of_many_names_the_middle_is_left_out():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefghij")) == "a, b, c, d, … j"
