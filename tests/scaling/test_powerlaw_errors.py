"""Curves that follow no law: one line that says why, instead of a number."""

import numpy as np
import pytest

from fm_keras.errors import CannotFit, InvalidInput
from fm_keras.scaling import fit_power_law

WIDTHS = np.array([6, 12, 24, 48, 96, 192, 384], float)


def power(widths):
    return 0.9 * widths**-0.4


def with_floor(widths):
    return 1.5 * widths**-0.8 + 0.1


BAD = {
    "flat": ([0.3, 0.31, 0.29, 0.3, 0.3], "The curve cannot be told from a flat one: the exponent"),
    "all the same": ([0.3] * 5, "The curve cannot be told from a flat one"),
    "rising": ([0.1, 0.12, 0.15, 0.2, 0.25], "The curve rises with width instead of falling: the exponent"),
    "zero": ([0.3, 0.2, 0.1, 0.05, 0.0], "The error at width 96 is 0, and a power law never gets to zero"),
    "negative": ([0.3, 0.2, 0.1, -0.05, 0.02], "The error at width 48 is -0.05, and a power law"),
}


@pytest.mark.parametrize("errors, why", BAD.values(), ids=BAD)
def test_a_bad_curve_gets_an_answer_instead_of_a_number(errors, why, message_of):
    assert message_of(fit_power_law, WIDTHS[:5], errors).startswith(why)


@pytest.mark.parametrize("form, least", [("power", 3), ("floor", 4), ("broken", 5)])
def test_too_few_widths_for_a_form_are_refused_however_many_seeds_there_are(form, least, curve):
    widths, errors = curve(with_floor, seeds=5, widths=WIDTHS[: least - 1], noise=0.001)
    with pytest.raises(CannotFit, match=rf"takes {least} widths or more, .* there (are|is) {least - 1}\."):
        fit_power_law(widths, errors, form=form)
    fit_power_law(*curve(with_floor, seeds=5, widths=WIDTHS[:least], noise=0.001), form=form)


def test_a_single_point_is_refused():
    with pytest.raises(CannotFit, match=r"A power law takes 3 widths or more, .* there is 1\."):
        fit_power_law([16], [0.3])


def test_a_broken_law_that_rises_beyond_its_turn_is_refused():
    errors = np.r_[power(WIDTHS[:5]), 0.13, 0.16]
    with pytest.raises(CannotFit, match=r"best described as rising beyond width"):
        fit_power_law(WIDTHS, errors, form="broken")


@pytest.mark.parametrize(
    "widths, errors, options, why",
    [
        ([1, 2, 3], [0.3, np.nan, 0.1], {}, "A training has error nan; leave out those without a finite one"),
        ([1, 2, np.inf], [0.3, 0.2, 0.1], {}, "A training has width inf"),
        ([1, 2], [0.3, 0.2, 0.1], {}, "There are 2 widths and 3 errors"),
        ([0, 2, 3], [0.3, 0.2, 0.1], {}, "A training has width 0; a law takes positive ones"),
        (["a", "b"], [0.3, 0.2], {}, "it must be a row of numbers"),
        ([], [], {}, "There are no widths"),
        ([1, 2, 3], [0.3, 0.2, 0.1], {"form": "line"}, "form is 'line'"),
        ([1, 2, 3], [0.3, 0.2, 0.1], {"level": 95}, "level 95"),
    ],
)
def test_what_is_no_curve_is_refused(widths, errors, options, why):
    with pytest.raises(InvalidInput, match=why):
        fit_power_law(widths, errors, **options)


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_no_width_and_no_error_but_a_positive_number_is_taken(value, curve):
    law = fit_power_law(*curve(power))
    with pytest.raises(InvalidInput, match="positive"):
        law.predict([10, value])
    with pytest.raises(InvalidInput, match="positive"):
        law.width_for(value)
