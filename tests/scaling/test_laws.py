"""From rows to laws: which trials belong together, and what each series says."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.scaling.costs import cost_at_equal_error
from fm_keras.scaling.laws import fit_laws, series_of

WIDTHS = np.array([6, 12, 24, 48])


def rows(model="lenet", prefactor=1.0, exponent=0.5, cost=1000, **columns):
    """Two seeds a width, 2% to either side of a power law; MACs grow with the square of the width."""
    made = [
        {
            "width": width,
            "seed": seed,
            "macs": cost * width**2,
            "error": prefactor * width**-exponent * (0.98 + 0.04 * seed),
        }
        for width in WIDTHS
        for seed in (0, 1)
    ]
    table = pd.DataFrame(made).assign(model=model, status="done", reason="", **columns)
    return table.assign(trial=[f"{model}-w{row.width}-s{row.seed}" for row in table.itertuples()])


def costs(*tables, errors=None):
    return cost_at_equal_error(fit_laws(pd.concat(tables), x="macs"), errors)


def test_a_sweep_over_width_and_seed_is_one_series_named_after_its_model():
    (name,) = series_of(rows())

    assert name == "lenet"


def test_series_are_named_by_what_differs_and_nothing_else():
    two = pd.concat([rows(ratio=1.0, labels=10), rows(ratio=8 / 3, labels=10), rows("vgg16", ratio=np.nan, labels=10)])

    assert list(series_of(two)) == ["lenet, depth ratio 1", "lenet, depth ratio 2.67", "vgg16"]
    assert list(series_of(pd.concat([rows(samples=1000), rows(samples=50_000)]))) == ["1,000 images", "50,000 images"]
    assert list(series_of(pd.concat([rows(batch_norm=True), rows(batch_norm=False)]))) == [
        "with BatchNorm",
        "without BatchNorm",
    ]


def test_what_follows_from_another_axis_is_not_named():
    models = pd.concat([rows(ratio=8 / 3, batch_norm=False), rows("vgg16", ratio=np.nan, batch_norm=True)])
    labels = pd.concat([rows(labels=5, samples=700), rows(labels=10, samples=1400)])

    assert list(series_of(models)) == ["lenet", "vgg16"]
    assert list(series_of(labels)) == ["5 labels", "10 labels"]


def test_the_exponent_of_each_series_is_recovered():
    laws = fit_laws(pd.concat([rows("lenet", exponent=0.5), rows("vgg16", exponent=0.8)]))

    assert [law.series for law in laws] == ["lenet", "vgg16"]
    assert [law.fit.exponent for law in laws] == pytest.approx([0.5, 0.8], abs=0.02)


def test_against_macs_that_grow_with_the_square_of_width_the_exponent_is_half():
    (law,) = fit_laws(rows(exponent=0.5), x="macs")

    assert law.fit.exponent == pytest.approx(0.25, abs=0.01)


def test_failed_trials_do_not_count():
    table = rows()
    table.loc[0, ["status", "error"]] = ["failed", np.nan]

    (law,) = fit_laws(table)

    assert len(law.rows) == 7


def test_a_rising_error_has_a_reason_instead_of_a_law():
    (law,) = fit_laws(rows(exponent=-0.2))

    assert law.fit is None
    assert law.why_not
    assert law.as_dict()["why_not"] == law.why_not


def test_one_width_is_no_series_to_fit():
    assert fit_laws(rows().query("width == 6")) == []


def test_a_measure_that_was_not_taken_is_named(message_of):
    assert message_of(lambda: fit_laws(rows(), y="noise")).startswith("The sweep has no column noise; it has: ")


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("macs", 0, "A training has MACs 0; a law takes positive ones alone."),
        ("error", np.inf, "A training has error inf; leave out those without a finite one."),
    ],
)
def test_numbers_that_no_law_takes_leave_the_other_series_their_laws(column, value, why):
    bad = rows("lenet").astype({column: float})
    bad.loc[0, column] = value

    without, other = fit_laws(pd.concat([bad, rows("vgg16")]), x="macs")

    assert (without.fit, without.why_not) == (None, why)
    assert other.fit.exponent == pytest.approx(0.25, abs=0.01)


def test_reasons_name_the_measure_that_has_no_law():
    (zero,) = fit_laws(rows(noise=0.0), y="noise")
    (infinite,) = fit_laws(rows(noise=np.inf), y="noise")

    assert zero.why_not.startswith("The noise of a filter at width 6 is 0, and a power law never gets to zero")
    assert infinite.why_not == "A training has noise of a filter inf; leave out those without a finite one."


def test_at_equal_error_the_cost_is_that_of_the_curve():
    table = costs(rows("lenet", cost=1000), rows("vgg16", cost=4000), errors=[0.25])

    # 0.25 = width**-0.5 at width 16
    assert dict(zip(table["series"], table["macs"])) == pytest.approx({"lenet": 256_000, "vgg16": 1_024_000}, rel=0.05)
    assert table["measured"].all()
    assert (table["low"] <= table["macs"]).all() and (table["macs"] <= table["high"]).all()


def test_a_cost_beyond_the_widest_network_says_so():
    table = costs(rows("lenet"), rows("vgg16", exponent=0.6), errors=[0.05])

    assert not table["measured"].any()


def test_without_errors_the_least_that_all_reached_and_half_of_it_are_compared():
    table = costs(rows("lenet"), rows("vgg16", prefactor=0.8))

    least = 48**-0.5
    assert sorted(table["error"].unique()) == pytest.approx([least / 2, least])


def test_one_series_has_nothing_to_compare():
    assert costs(rows()).empty
