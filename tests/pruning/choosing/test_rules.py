"""One list of rules; each says what it needs, and gives the scores of its function."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import analyze
from fm_keras.pruning import (
    active_share,
    batch_norm_scale,
    contribution_scores,
    describe_rules,
    few_noise,
    field_norm,
    fpgm,
    kernel_l1,
    probe_ablation,
    random_scores,
    rule_names,
    snr,
)
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.rules import RULES, find_rule, score_units
from fm_keras.slicing import cut_points

PATHS = ["side", "block/conv"]
SCORING = [rule.name for rule in RULES.values() if rule.score is not None and rule.name != "reconstruction"]


@pytest.fixture(scope="module")
def evidence(analyzed, dataset, analysis):
    return Evidence(analyzed, dataset.train, analysis)


def test_rules_are_described_by_name():
    table = describe_rules()
    assert list(table) == ["rule", "what", "needs", "source"]
    assert list(table["rule"]) == rule_names()
    assert set(rule_names()) >= {*SCORING, "greedy", "greedy_without_labels"}
    assert set(table["needs"]) <= {"", "images", "labels", "fields", "probe"}
    assert table["what"].str.len().between(5, 60).all()


def test_all_rules_give_the_scores_of_their_functions(evidence, analyzed, dataset, analysis):
    found = score_units(evidence, SCORING)

    expected = contribution_scores(analyzed, dataset.train)
    for score in (kernel_l1, batch_norm_scale, fpgm):
        expected[score.__name__] = score(analyzed)
    for score in (snr, few_noise, field_norm):
        expected[score.__name__] = score(analysis)
    expected["active_share"] = active_share(analyzed, dataset.train)
    expected["probe_ablation"] = probe_ablation(analyzed, analysis, dataset.train)
    expected["random"] = random_scores(analyzed, seed=0)
    pd.testing.assert_frame_equal(found, expected[SCORING], rtol=1e-4, atol=1e-6)


def test_rules_see_only_the_layers_they_are_shown(evidence, analyzed):
    some = Evidence(analyzed, evidence.split, evidence.analysis, layers=PATHS)
    found, whole = score_units(some, ["kernel_l1", "quality", "snr"]), score_units(evidence, ["quality", "snr"])
    assert list(found.index.unique(level=0)) == [cut.layer for cut in cut_points(analyzed, layers=PATHS)]
    pd.testing.assert_frame_equal(found[["quality", "snr"]], whole.loc[found.index], rtol=1e-4, atol=1e-6)


def test_contributions_are_taken_once_for_all_scores_made_of_them(analyzed, dataset, monkeypatch):
    calls = []

    def counted(*args, **options):
        calls.append(args)
        return contribution_scores(*args, **options)

    monkeypatch.setattr("fm_keras.pruning.choosing.evidence.contribution_scores", counted)
    score_units(Evidence(analyzed, dataset.train), ["quality", "taylor_signed", "contribution_norm"])
    assert len(calls) == 1


def test_an_unknown_rule_is_told_from_the_known(message_of):
    message = message_of(find_rule, "taylor")
    assert message.startswith("There is no rule 'taylor'. Rules: quality, taylor_signed,")
    assert message.endswith("a file of scores (.csv, .json) is one too.")


def test_what_is_missing_is_said_with_the_command_that_makes_it(analyzed, dataset, message_of):
    def scored(name, **given):
        return message_of(score_units, Evidence(analyzed, **given), [name])

    assert scored("quality") == "Rule quality looks at images and their labels: give a dataset (--dataset NAME)."
    assert scored("active_share") == "Rule active_share looks at images: give a dataset (--dataset NAME)."
    assert scored("snr") == (
        "Rule snr looks at fields, and there is no analysis: make one with `fm-keras analyze MODEL --split train`, and "
        "give it as analysis=Analysis.load(PATH)."
    )
    network = analyze(analyzed, dataset, layers=PATHS, fields="network")
    assert np.isfinite(score_units(Evidence(analyzed, analysis=network), ["field_norm"]).loc["side"]).all(axis=None)
    assert scored("probe_ablation", split=dataset.train, analysis=network) == (
        "Rule probe_ablation looks at probes, and the analysis has none: `fm-keras analyze MODEL --split train "
        "--fields probe` makes one with them."
    )
