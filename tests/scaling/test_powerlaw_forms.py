"""The form chosen by itself: its intervals count every form that the widths leave open."""

from functools import partial

import numpy as np
import pytest

from fm_keras.scaling import fit_power_law
from fm_keras.scaling.curve import read_curve
from fm_keras.scaling.fitting import fit_form, open_fits
from fm_keras.scaling.forms import POWER

WIDTHS = 6.0 * 2 ** np.arange(8)


def power(widths):
    return 0.9 * widths**-0.4


def with_floor(widths):
    return 1.5 * widths**-0.8 + 0.1


def small_floor(widths):
    return widths**-0.6 + 0.03


def broken(widths):
    return 0.9 * widths**-0.2 * np.exp(-0.25 * 0.4 * np.logaddexp(0, np.log(widths / 60) / 0.25))


def forms(law):
    return [region.form.name for region in law.regions]


@pytest.mark.parametrize(
    ("true", "number", "noise", "exponent", "floor"),
    [(with_floor, 4, 0.02, 0.8, 0.1), (small_floor, 5, 0.03, 0.6, 0.03), (broken, 8, 0.02, 0.6, 0.0)],
)
def test_intervals_hold_the_truth_whichever_form_it_has(true, number, noise, exponent, floor, curve):
    """Of the form chosen alone they hold 0, 53 and 84% of exponents."""
    held, twice = [], 2 * WIDTHS[number - 1]
    for _ in range(20):
        law = fit_power_law(*curve(true, noise, widths=WIDTHS[:number]), rounds=2)
        told, needed = law.predict(twice), law.width_for(true(twice))
        ends = [(exponent, law.intervals["exponent"]), (true(twice), (told.low[0], told.high[0]))]
        ends += [(floor, law.intervals.get("floor", (0, 0))), (twice, (needed.low, needed.high))]
        held.append([low <= value * (1 + 1e-9) <= high * (1 + 1e-6) for value, (low, high) in ends])
    assert np.mean(held, axis=0).min() >= 0.9


def test_the_law_itself_stays_that_of_the_form_chosen(curve):
    widths, errors = curve(power, widths=WIDTHS[:5])
    law, plain = fit_power_law(widths, errors), fit_power_law(widths, errors, form="power")

    assert law.form == "power"
    assert law.values == plain.values
    assert law.predict(200).value == plain.predict(200).value
    assert law.intervals["exponent"][0] < plain.intervals["exponent"][0]
    assert law.bootstrap["exponent"][1] > plain.bootstrap["exponent"][1]


def test_a_form_that_is_asked_for_keeps_its_own_intervals(curve):
    widths, errors = curve(with_floor, widths=WIDTHS[:4])
    law = fit_power_law(widths, errors, form="power")

    assert law.intervals == fit_form(POWER, read_curve(widths, errors), 0.95).region.intervals()
    assert (forms(law), law.doubt) == (["power"], "")


def test_intervals_reach_over_those_of_all_forms_left_open(curve):
    widths, errors = curve(power, widths=WIDTHS[:6])
    law, fits = fit_power_law(widths, errors), open_fits(read_curve(widths, errors), 0.95)

    assert forms(law) == ["power", "floor", "broken"]
    for fit in fits:
        for name, (low, high) in fit.region.intervals().items():
            assert law.intervals[name][0] <= low and high <= law.intervals[name][1]
    assert law.intervals["floor"][0] == 0


@pytest.mark.parametrize("true, form", [(with_floor, "floor"), (broken, "broken")])
def test_forms_that_the_curve_rules_out_do_not_count(true, form, curve):
    widths, errors = curve(true, noise=0.002, widths=WIDTHS)
    law, alone = fit_power_law(widths, errors), fit_power_law(widths, errors, form=form)

    assert (forms(law), law.doubt) == ([form], "")
    assert law.intervals == alone.intervals


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (3, "3 widths cannot show a floor or a turn (which the intervals do not count)"),
        (4, "4 widths cannot rule out a floor (which the intervals count) or show a turn (which they do not count)"),
        (6, "6 widths cannot rule out a floor or a turn (which the intervals count)"),
    ],
)
def test_what_the_widths_leave_open_is_said(number, said, curve):
    law = fit_power_law(*curve(power, widths=WIDTHS[:number]))

    assert law.doubt == said
    assert law.as_dict()["doubt"] == said


def test_an_error_that_only_another_form_reaches_takes_an_infinite_width_or_more(curve):
    widths, errors = curve(with_floor, noise=0.01, widths=WIDTHS[:5])
    law = fit_power_law(widths, errors)
    needed = law.width_for(0.99 * law.floor)

    assert law.form == "floor"
    assert needed.width == needed.high == np.inf
    assert WIDTHS[4] < needed.low < np.inf


def test_a_steep_fall_over_large_sizes_has_an_endless_prefactor_instead_of_an_overflow():
    macs = 1e8 * np.array([1, 1.05, 1.1, 1.15, 1.2])
    law = fit_power_law(macs, [0.9, 0.3, 0.2, 0.15, 0.1], form="floor", rounds=5)

    assert np.isfinite(law.prefactor)
    assert law.intervals["prefactor"][1] == np.inf
    assert law.as_dict()["numbers"][1]["high"] is None


def test_widths_that_nearly_agree_are_too_close_for_a_law(message_of):
    message = message_of(fit_power_law, [100, 100.0001, 100.0002, 100.0003], [0.3, 0.29, 0.28, 0.27])
    assert message.startswith("100 to 100.0003 are widths too close together for a law: the exponent")


def test_messages_name_what_stands_in_the_place_of_width_and_error(message_of):
    names = {"x_name": "MACs", "y_name": "noise"}
    bad = {
        "A training has MACs 0; a law takes positive": ([0, 1, 2], [0.3, 0.2, 0.1]),
        "A training has noise inf; leave out": ([1, 2, 3], [0.3, np.inf, 0.1]),
        "The noise at MACs 3 is 0, and a power law never gets to zero": ([1, 2, 3], [0.3, 0.1, 0.0]),
        "A power law takes 3 values of MACs or more": ([1, 2], [0.3, 0.1]),
        "The curve rises with MACs instead of falling: the exponent of MACs**-exponent": ([1, 2, 3], [1, 2, 3]),
    }
    for said, (sizes, values) in bad.items():
        assert message_of(partial(fit_power_law, sizes, values, **names)).startswith(said)
    law = fit_power_law([1, 2, 4, 8, 16], [1.1, 0.6, 0.35, 0.225, 0.1625], form="floor", **names)
    assert message_of(law.width_for, 0.05).startswith("No MACs will do for 0.05: the law has a floor of 0.1")
