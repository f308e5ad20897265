"""The best depth ratio at equal MACs, and whether seeds tell it from the others."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.scaling.ratios import compare_ratios


def rows(errors, macs=1_000_000, **columns):
    """A row for each (ratio, error of a seed); costs differ by up to 2%."""
    made = [
        {
            "model": "lenet",
            "ratio": ratio,
            "width": 10,
            "seed": seed,
            "macs": macs * (1 + 0.005 * number),
            "error": error,
        }
        for number, (ratio, found) in enumerate(errors.items())
        for seed, error in enumerate(found)
    ]
    return pd.DataFrame(made).assign(status="done", **columns)


def test_the_best_ratio_is_ahead_of_all_others():
    table = compare_ratios(rows({1.0: [0.40, 0.42], 2.0: [0.30, 0.31], 4.0: [0.35, 0.37]})).set_index("ratio")

    assert table["error"].to_dict() == pytest.approx({1.0: 0.41, 2.0: 0.305, 4.0: 0.36})
    assert table["behind"].to_dict() == pytest.approx({1.0: 0.105, 2.0: 0.0, 4.0: 0.055})
    assert list(table["seeds"]) == [2, 2, 2]


def test_seeds_tell_a_clear_gap_apart_and_a_small_one_not():
    table = compare_ratios(rows({1.0: [0.40, 0.41, 0.42], 2.0: [0.30, 0.31, 0.32], 4.0: [0.31, 0.32, 0.33]}))

    low = table.set_index("ratio")["low"]
    assert low[1.0] > 0
    assert low[4.0] < 0


def test_intervals_hold_for_all_ratios_at_once(rng):
    """Where no ratio is better, the interval of the worst against the best excludes 0 in about 5% of sweeps."""
    wrong = 0
    for _ in range(80):
        table = compare_ratios(rows({ratio: rng.normal(0.3, 0.01, 3) for ratio in (1.0, 2.0, 4.0, 8.0)}))
        wrong += bool((table["low"] > 0).any())
    assert wrong <= 9


def test_one_seed_has_no_interval():
    table = compare_ratios(rows({1.0: [0.40], 2.0: [0.30]}))

    assert table[["spread", "low", "high"]].isna().all(axis=None)


def test_networks_of_different_cost_are_not_compared():
    cheap, dear = rows({1.0: [0.4], 2.0: [0.3]}), rows({1.0: [0.2], 2.0: [0.1]}, macs=4_000_000)
    table = compare_ratios(pd.concat([cheap, dear]))

    assert len(table) == 4
    assert list(table["behind"]) == pytest.approx([0.1, 0, 0.1, 0])
    np.testing.assert_allclose(table["macs"].unique() / [1_000_000, 4_000_000], 1, rtol=0.01)


def test_costs_are_not_chained_from_neighbor_to_neighbor():
    """Each width costs 8% more than the one before; the two ratios of a width differ by 3%."""
    wide = [rows({1.0: [0.3 - 0.01 * step] * 2}, macs=1_000_000 * 1.08**step, width=16 + step) for step in range(7)]
    deep = [each.assign(ratio=2.0, macs=1.03 * each["macs"]) for each in wide]
    table = compare_ratios(pd.concat([*wide, *deep]))

    assert list(table["width"]) == [width for width in range(16, 23) for _ in (1.0, 2.0)]
    assert set(table["seeds"]) == {2}
    assert table["macs"].is_monotonic_increasing


@pytest.mark.parametrize("macs", [0, np.inf])
def test_networks_whose_cost_is_no_cost_are_left_out(macs):
    table = compare_ratios(pd.concat([rows({1.0: [0.4], 2.0: [0.3]}), rows({4.0: [0.2]}).assign(macs=macs)]))

    assert list(table["ratio"]) == [1.0, 2.0]


def test_seeds_are_those_of_one_ratio_and_one_width():
    errors = {1.0: [0.40, 0.41, 0.42], 2.0: [0.30, 0.31, 0.32]}
    table = compare_ratios(pd.concat([rows(errors), rows({1.0: [0.35, 0.36]}).assign(width=11)]))

    assert [tuple(row) for row in table[["ratio", "width", "seeds"]].to_numpy()] == [(1, 10, 3), (1, 11, 2), (2, 10, 3)]
    assert list(table["error"]) == pytest.approx([0.41, 0.355, 0.31])


def test_a_sweep_without_ratios_has_nothing_to_compare():
    table = rows({2.0: [0.3, 0.31]})

    assert compare_ratios(table).empty
    assert compare_ratios(table.assign(ratio=np.nan)).empty
    assert compare_ratios(table.drop(columns="ratio")).empty


def test_failed_trials_do_not_count():
    table = rows({1.0: [0.4, 0.4], 2.0: [0.3, 0.1]})
    table.loc[3, ["status", "error"]] = ["failed", np.nan]

    assert list(compare_ratios(table)["seeds"]) == [2, 1]
