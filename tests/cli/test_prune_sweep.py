"""fm-keras prune --sweep: rows that are kept, shares and layers as asked for, and rules that fail."""

import json

import pandas as pd

from fm_keras.analysis import load_analysis
from fm_keras.pruning import KEEPS
from fm_keras_cli.prune_sweep import sweep_answer

BARE = ("--repair", "none", "--epochs", 0)


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_a_sweep_keeps_rows_goes_on_and_draws(command, here):
    words = ("prune", "small", "--runs-dir", here, "--sweep", "--rule", "kernel_l1,random", *BARE)
    first = command(*words)
    assert first.code == 0, first.err
    stage = here / "small" / "prune" / "sweep"
    rows = pd.read_csv(stage / "sweep.csv")
    assert len(rows) == 2 * len(KEEPS)
    assert (stage / "sweep.png").stat().st_size > 10_000
    heads = first.out.splitlines()[0]
    assert heads.split()[:3] == ["after", "the", "cut"] and "0.5 kept" in heads
    rows.drop(index=[3]).to_csv(stage / "sweep.csv", index=False)

    found = document(command(*words, "--json"))

    again = pd.DataFrame(found["rows"]).sort_values(["rule", "keep"])
    assert len(again) == len(rows)
    pd.testing.assert_series_equal(again["cut"], rows.sort_values(["rule", "keep"])["cut"], check_index=False)


def test_a_sweep_takes_the_shares_and_layers_asked_for(command, here):
    words = ("prune", "small", "--runs-dir", here, "--sweep", "--rule", "kernel_l1", *BARE, "--json")
    every = pd.DataFrame(document(command(*words, "--keeps", "0.7,0.3"))["rows"])
    first = next(iter(load_analysis(here / "small" / "analysis"))).layer
    one = pd.DataFrame(document(command(*words, "--keeps", "0.7", "--layers", first))["rows"])

    assert every["keep"].tolist() == [0.7, 0.3]
    assert one["keep"].tolist() == [0.7]
    assert every["macs"].iloc[1] < every["macs"].iloc[0] < one["macs"].iloc[0] < 1


def test_a_rule_that_fails_in_a_sweep_is_named_and_the_rest_goes_on(command, here):
    words = ("prune", "small", "--runs-dir", here, "--sweep", "--rule", "batch_norm_scale,kernel_l1", *BARE)
    outcome = command(*words)
    assert outcome.code == 0, outcome.err
    assert "batch_norm_scale: Rule batch_norm_scale gives no score for " in " ".join(outcome.out.split())


def test_no_rule_is_said_to_leave_most_where_all_leave_the_same():
    rules = {"rule": ["kernel_l1", "random", "snr"], "keep": 0.5, "whole": 0.8, "error": ""}
    rows = pd.DataFrame({**rules, "cut": 0.1, "repaired": [0.7, 0.6, 0.7], "fine-tuned": float("nan")})
    assert sweep_answer(rows).splitlines()[1:] == [
        "With 0.5 of the filters kept all rules leave 0.100 after the cut.",
        "With 0.5 of the filters kept kernel_l1, snr leave most after repair: 0.700.",
    ]
