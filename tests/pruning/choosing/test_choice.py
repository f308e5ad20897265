"""From rule and target to what goes; and one line where they do not fit."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.pruning import rule_names
from fm_keras.pruning.choosing.choice import DILUTING, check_target, choose, describe_all_rules, needed_fields
from fm_keras.pruning.choosing.targets import Target
from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.surgery.plan import PruningPlan
from fm_keras.settings import AnalysisSettings, PruneSettings

SMALL = AnalysisSettings(images=30, batch_size=20)


@pytest.mark.parametrize("kind", ["keep", "macs", "params", "latency"])
def test_the_one_target_of_the_settings_is_taken(kind):
    assert check_target("kernel_l1", PruneSettings(**{kind: 0.4})) == Target(kind, 0.4)


@pytest.mark.parametrize(
    ("rule", "given", "said"),
    [
        ("kernel_l1", {}, "Give exactly one of keep, macs, params, latency; received none."),
        ("kernel_l1", {"keep": 0.5, "macs": 0.5}, "received keep=0.5, macs=0.5."),
        ("kernel_l1", {"dilution": 0.5}, "dilution is for the rules afcc and random_afcc; received rule 'kernel_l1'."),
        ("afcc", {"keep": 0.5}, "afcc cuts connections, not units: give dilution or nothing, not keep."),
        ("magic", {"keep": 0.5}, "There is no rule 'magic'. Rules: quality, "),
    ],
)
def test_targets_that_do_not_fit_are_one_line(rule, given, said, message_of):
    assert said in message_of(check_target, rule, PruneSettings(**given))


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1])
def test_a_share_that_is_none_is_one_line(share, message_of):
    assert message_of(lambda: PruneSettings(keep=share)).startswith("Setting keep: input should be ")


def test_all_rules_are_described_and_those_that_cut_connections_come_last():
    rules = describe_all_rules()
    assert rules["rule"].tolist() == [*rule_names(), *DILUTING]
    assert (rules["what"] != "").all()


@pytest.mark.parametrize(
    ("rule", "needs"), [("kernel_l1", None), ("snr", "fields"), ("probe_ablation", "probe"), ("mine.csv", None)]
)
def test_what_a_rule_needs_of_an_analysis_is_known(rule, needs):
    assert needed_fields(rule) == needs


def test_a_plan_of_units_keeps_the_share(analyzed, dataset):
    plan = choose(analyzed, dataset, PruneSettings(rule="kernel_l1", keep=0.5), measuring=SMALL)
    assert isinstance(plan, PruningPlan)
    assert plan.table().set_index("layer")["kept"]["block/conv"] == 2


def test_afcc_makes_masks_and_measures_fields_where_there_are_none(analyzed, dataset, analysis):
    settings = PruneSettings(rule="afcc")
    masks = choose(analyzed, dataset, settings, analysis=analysis)
    assert isinstance(masks, ConnectionMasks)
    measured = choose(analyzed, dataset, settings, measuring=SMALL)
    assert list(measured.masks) == list(masks.masks)


def test_a_rule_that_cuts_connections_may_be_named_beside_the_settings(analyzed, dataset, analysis):
    named = choose(analyzed, dataset, PruneSettings(seed=2), rule="random_afcc", analysis=analysis)
    inside = choose(analyzed, dataset, PruneSettings(seed=2, rule="random_afcc"), analysis=analysis)
    assert named.origin == "random AFCC"
    assert all(np.array_equal(named.masks[path], inside.masks[path]) for path in inside.masks)


def test_the_dilution_asked_for_is_nearly_met(analyzed, dataset, analysis):
    masks = choose(analyzed, dataset, PruneSettings(rule="afcc", dilution=0.4), analysis=analysis)
    assert masks.total_dilution == pytest.approx(0.4, abs=0.1)


def test_random_masks_follow_from_the_seed(analyzed, dataset, analysis):
    made = [
        choose(analyzed, dataset, PruneSettings(rule="random_afcc", seed=seed), analysis=analysis).masks
        for seed in (0, 0, 1)
    ]
    same = [all(np.array_equal(made[0][path], other[path]) for path in made[0]) for other in made[1:]]
    assert same == [True, False]


def test_a_function_of_the_user_s_is_a_rule(analyzed, dataset):
    def last_ones(model, analysis, dataset):
        index = pd.MultiIndex.from_product([["hidden"], range(5)], names=["layer", "filter"])
        return pd.Series([5.0, 4, 3, 2, 1], index)

    plan = choose(analyzed, dataset, PruneSettings(keep=0.6), rule=last_ones, layers=["hidden"])

    assert plan.removed == {"hidden": [3, 4]}


def test_test_images_are_never_looked_at(analyzed, dataset):
    from fm_keras.data import Dataset, Split

    other = Dataset("other", dataset.train, Split(dataset.test.images * 0, dataset.test.labels), dataset.label_names)
    settings = PruneSettings(rule="taylor_squared", keep=0.5)
    plans = [choose(analyzed, each, settings, measuring=SMALL) for each in (dataset, other)]
    assert plans[0].removed == plans[1].removed
    np.testing.assert_array_equal(plans[0].scores["hidden"], plans[1].scores["hidden"])


def test_a_target_that_cannot_be_met_is_one_line(analyzed, dataset):
    with pytest.raises(InvalidInput, match="cannot be met"):
        choose(analyzed, dataset, PruneSettings(rule="kernel_l1", macs=0.001))
