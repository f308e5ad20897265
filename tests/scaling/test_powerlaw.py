"""Fits of laws of width: recovered where they are known, with intervals that hold what they say."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress
from scipy.stats import t as student

from fm_keras.errors import FmKerasError
from fm_keras.scaling import fit_power_law
from fm_keras.scaling.curve import read_curve
from fm_keras.scaling.fitting import fit_form
from fm_keras.scaling.forms import FLOOR, POWER

WIDTHS = np.array([6, 12, 24, 48, 96, 192, 384], float)


def power(widths):
    return 0.9 * widths**-0.4


def with_floor(widths):
    return 1.5 * widths**-0.8 + 0.1


def broken(widths):
    return 0.9 * widths**-0.2 * np.exp(-0.25 * 0.4 * np.logaddexp(0, np.log(widths / 50) / 0.25))


def test_a_power_law_without_noise_is_recovered():
    law = fit_power_law(WIDTHS, power(WIDTHS))

    assert law.form == "power"
    assert law.values == pytest.approx({"exponent": 0.4, "prefactor": 0.9})
    assert law.intervals["exponent"] == pytest.approx((0.4, 0.4))
    assert law.bootstrap["prefactor"] == pytest.approx((0.9, 0.9))


def test_a_floor_without_noise_is_recovered_and_its_form_chosen():
    law = fit_power_law(WIDTHS, with_floor(WIDTHS))

    assert law.form == "floor"
    assert law.values == pytest.approx({"exponent": 0.8, "prefactor": 1.5, "floor": 0.1}, rel=1e-5)


def test_a_broken_law_without_noise_is_recovered():
    law = fit_power_law(WIDTHS, broken(WIDTHS), form="broken")

    found = {"exponent": 0.6, "prefactor": 0.9 * 50**0.4, "exponent_before": 0.2, "turn": 50}
    assert law.values == pytest.approx(found, rel=1e-5)


def test_a_power_law_fitted_with_a_floor_has_none():
    law = fit_power_law(WIDTHS, power(WIDTHS), form="floor")
    assert law.values == pytest.approx({"exponent": 0.4, "prefactor": 0.9, "floor": 0}, abs=1e-9)


@pytest.mark.parametrize("true", [power, with_floor, broken])
def test_the_form_is_chosen_that_predicts_the_largest_width(true, curve):
    law = fit_power_law(*curve(true, noise=0.005, widths=np.array([6, 9, 13, 20, 30, 45, 64, 96, 140.0])))

    assert law.form == {power: "power", with_floor: "floor", broken: "broken"}[true]
    assert [each.form for each in law.held_out] == ["power", "floor", "broken"]
    assert all(each.width == 140 for each in law.held_out)


def test_one_seed_a_width_gives_the_plain_regression_of_logs_with_its_interval_of_student_s_t(curve):
    widths, errors = curve(power, seeds=1)
    law = fit_power_law(widths, errors, form="power")

    line = linregress(np.log(widths), np.log(errors))
    wide = student.ppf(0.975, len(widths) - 2) * line.stderr
    assert (law.exponent, law.prefactor) == pytest.approx((-line.slope, np.exp(line.intercept)))
    assert law.intervals["exponent"] == pytest.approx((-line.slope - wide, -line.slope + wide), rel=1e-6)
    far = np.log(1000) - np.log(widths).mean()
    squares = np.square(np.log(widths) - np.log(widths).mean()).sum()
    noise = np.square(np.log(errors) - line.intercept - line.slope * np.log(widths)).sum() / (len(widths) - 2)
    (value,), (low,), (run_low,) = (getattr(law.predict(1000), name) for name in ("value", "low", "run_low"))
    reach = student.ppf(0.975, len(widths) - 2) * np.sqrt(noise * (1 / len(widths) + far**2 / squares + np.r_[0, 1]))
    assert np.log([value / low, value / run_low]) == pytest.approx(reach, rel=1e-6)


def test_the_bootstrap_agrees_with_the_profile_where_the_law_is_a_line(curve):
    law = fit_power_law(*curve(power), form="power", rounds=20_000)
    assert law.bootstrap["exponent"] == pytest.approx(
        law.intervals["exponent"], abs=0.03 * np.ptp(law.intervals["exponent"])
    )


def test_the_profile_interval_is_where_the_best_law_with_that_exponent_leaves_the_budget(curve):
    widths, errors = curve(with_floor, seeds=1)
    law = fit_power_law(widths, errors, form="floor")
    floors = np.linspace(0, errors.min(), 4000, endpoint=False)

    def least_squares_with(exponent):
        # Of log(A w^-rho + c) - log error: A at each c by a search over their ratio, on a grid fine enough for this.
        shapes = np.log(widths**-exponent + floors[:, None] * np.exp(exponent * 3))
        residuals = np.log(errors) - shapes
        return np.square(residuals - residuals.mean(axis=1, keepdims=True)).sum(axis=1).min()

    least = least_squares_with(law.exponent)
    for end in law.intervals["exponent"]:
        assert least_squares_with(end) - least == pytest.approx(law.regions[0].budget, rel=0.1)


@given(
    widths=st.lists(st.integers(1, 200), min_size=3, max_size=9),
    logs=st.lists(st.floats(-4, 0), min_size=9, max_size=9),
    form=st.sampled_from(["auto", "floor", "broken"]),
)
@settings(max_examples=25, deadline=None)
def test_any_curve_gives_a_law_within_its_own_intervals_or_one_line(widths, logs, form):
    errors = np.exp(logs[: len(widths)]) / np.sqrt(widths)
    try:
        law = fit_power_law(widths, errors, form=form, rounds=20)
    except FmKerasError as error:
        assert "\n" not in str(error)
        return
    for name, value in law.values.items():
        low, high = law.intervals[name]
        assert low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)
    told = law.predict([1, 1000])
    assert (told.low <= told.value).all() and (told.value <= told.high).all()


@given(
    factor=st.floats(0.01, 1e6),
    unit=st.floats(0.001, 1000),
    form=st.sampled_from(["power", "floor", "broken"]),
)
@settings(max_examples=6, deadline=None)
def test_other_units_of_width_and_error_leave_the_exponents(factor, unit, form):
    rng = np.random.default_rng(1)
    widths = np.repeat(WIDTHS, 2)
    errors = with_floor(widths) * np.exp(0.02 * rng.standard_normal(14))
    law = fit_power_law(widths, errors, form=form, rounds=50)
    other = fit_power_law(factor * widths, unit * errors, form=form, rounds=50)

    assert other.exponent == pytest.approx(law.exponent, rel=1e-4)
    assert other.intervals["exponent"] == pytest.approx(law.intervals["exponent"], rel=1e-3)
    assert other.bootstrap["exponent"] == pytest.approx(law.bootstrap["exponent"], rel=1e-3)
    assert other.prefactor == pytest.approx(unit * law.prefactor * factor**law.exponent, rel=1e-2)
    assert other.floor == pytest.approx(unit * law.floor, rel=1e-3)
    np.testing.assert_allclose(other.predict(500 * factor).high, unit * law.predict(500).high, rtol=1e-3)


def test_the_order_of_trials_does_not_matter(curve, rng):
    widths, errors = curve(with_floor)
    order = rng.permutation(len(widths))
    assert fit_power_law(widths[order], errors[order]).rows() == [
        pytest.approx(row) for row in fit_power_law(widths, errors).rows()
    ]


def test_a_wider_level_gives_wider_intervals_and_more_seeds_narrower_ones(curve):
    widths, errors = curve(with_floor, seeds=8)
    few = np.arange(len(widths)) % 8 < 2
    wide, narrow = (fit_power_law(widths, errors, form="floor", level=level) for level in (0.99, 0.8))
    for name, (low, high) in narrow.intervals.items():
        assert wide.intervals[name][0] < low < high < wide.intervals[name][1]
    fewer = fit_power_law(widths[few], errors[few], form="floor", level=0.8)
    assert np.ptp(narrow.intervals["exponent"]) < np.ptp(fewer.intervals["exponent"])


def test_one_seed_gone_wrong_hardly_moves_the_law(curve):
    widths, errors = curve(power)
    clean = fit_power_law(widths, errors, form="power")
    errors[-1] *= 1.8
    law = fit_power_law(widths, errors, form="power")

    plain = -linregress(np.log(widths), np.log(errors)).slope
    assert abs(law.exponent - clean.exponent) < 0.25 * abs(plain - clean.exponent)
    assert law.intervals["exponent"][0] < 0.4 < law.intervals["exponent"][1]


def test_widths_that_deviate_more_than_their_seeds_widen_the_interval(curve):
    widths, errors = curve(power, noise=0.01)
    alone = fit_power_law(widths, errors, form="power")
    pushed = errors * np.repeat(np.exp([0.05, -0.05, 0.04, -0.05, 0.05, -0.04, 0.0]), 3)
    apart = fit_power_law(widths, pushed, form="power")

    assert np.ptp(apart.intervals["exponent"]) > 4 * np.ptp(alone.intervals["exponent"])


def test_prediction_and_width_needed_undo_each_other(curve):
    for form in ("power", "floor", "broken"):
        law = fit_power_law(*curve(broken if form == "broken" else with_floor), form=form)
        told = law.predict([30.0, 700.0])
        for place, width in enumerate(told.width):
            assert law.width_for(told.value[place]).width == pytest.approx(width, rel=1e-4)
            assert law.width_for(told.high[place]).high == pytest.approx(width, rel=1e-4)
            assert law.width_for(told.low[place]).low == pytest.approx(width, rel=1e-4)
        assert (told.run_low < told.low).all() and (told.high < told.run_high).all()


def test_an_error_near_the_floor_may_need_an_infinite_width(curve):
    law = fit_power_law(*curve(with_floor), form="floor")
    assert law.width_for(1.01 * law.floor).high == np.inf


def test_an_error_below_the_floor_is_refused_with_the_floor(curve, message_of):
    law = fit_power_law(*curve(with_floor), form="floor")
    message = message_of(law.width_for, 0.05)
    assert message.startswith("No width will do for 0.05: the law has a floor of 0.1")


def test_a_law_is_said_in_one_line_and_written_as_json(curve):
    law = fit_power_law(*curve(power), form="power")
    assert law.sentence("MACs").startswith("0.9") and " * MACs**-0.4" in law.sentence("MACs")
    assert law.floor == 0

    document = json.loads(json.dumps(fit_power_law(*curve(with_floor), form="floor").as_dict(), allow_nan=False))
    assert [row["quantity"] for row in document["numbers"]] == ["exponent", "prefactor", "floor"]
    assert [each["form"] for each in document["held_out"]] == ["power", "floor", "broken"]


def test_the_largest_width_is_held_out_of_the_fit_that_predicts_it(curve):
    widths, errors = curve(power)
    (held_out, *_) = fit_power_law(widths, errors).held_out
    rest = widths < widths.max()
    law = fit_power_law(widths[rest], errors[rest], form="power")

    found = np.exp(np.log(errors[~rest]).mean())
    assert held_out.found == pytest.approx(found)
    assert held_out.predicted == pytest.approx(law.predict(widths.max()).value[0], rel=2e-3)
    assert held_out.miss == pytest.approx(held_out.predicted / found - 1)
    assert held_out.low < held_out.predicted < held_out.high


@pytest.mark.parametrize("true, form, exponent", [(power, POWER, 0.4), (with_floor, FLOOR, 0.8)])
def test_intervals_of_90_percent_hold_the_truth_at_least_so_often(true, form, exponent, rng):
    widths, held = np.repeat(WIDTHS[:6], 2), []
    for _ in range(50):
        errors = true(widths) * np.exp(0.02 * rng.standard_normal(12))
        low, high = fit_form(form, read_curve(widths, errors), 0.9).region.intervals()["exponent"]
        held.append(low <= exponent <= high)
    assert np.mean(held) >= 0.84
