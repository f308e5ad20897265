"""Rule and target make a plan: shares, contests, ties, files, functions, and what cannot be done."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.data import Dataset
from fm_keras.models import ModelSpec, build_model
from fm_keras.pruning import Target, apply_plan, kernel_l1, load_plan, plan_pruning, rule_names
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.scores.field_scores import score_series
from fm_keras.slicing import cut_points

HALF = Target("keep", 0.5)


def kept(plan):
    return dict(zip(plan.table()["layer"], plan.table()["kept"]))


def share(model, plan, measure):
    totals = apply_plan(model, plan).effect.sum(numeric_only=True)
    return totals[f"{measure}_kept"] / totals[measure]


@pytest.fixture(scope="module")
def vgg():
    return build_model(ModelSpec(name="vgg6", width=8, image_shape=(32, 32, 3), labels=10))


@pytest.mark.parametrize("across", ["layer", "network"])
@pytest.mark.parametrize("rule", rule_names())
def test_every_rule_makes_a_plan_that_can_be_applied(analyzed, dataset, analysis, rule, across):
    layers = ["block/conv", "side", "add"] if rule == "batch_norm_scale" else None
    plan = plan_pruning(analyzed, dataset, rule=rule, target=HALF, across=across, analysis=analysis, layers=layers)
    assert apply_plan(analyzed, plan).model.count_params() < analyzed.count_params()
    if across == "layer":
        assert kept(plan) == {"block/conv": 2, "side": 2, "add": 2, "hidden": 5 if layers else 3}
    chosen_by = plan.scores["side"]
    assert chosen_by[~plan.masks["side"]].max(initial=-np.inf) <= chosen_by[plan.masks["side"]].min()


def test_test_images_are_not_looked_at(analyzed, dataset):
    other = Dataset("other", dataset.train, dataset.train.take(np.arange(3)), dataset.label_names)
    for rule in ("quality", "greedy"):
        plans = [plan_pruning(analyzed, data, rule=rule, target=HALF) for data in (dataset, other)]
        assert plans[0].removed == plans[1].removed


def test_the_lowest_of_every_layer_go(vgg):
    plan, scores = plan_pruning(vgg, rule="kernel_l1", target=Target("keep", 0.7)), kernel_l1(vgg)
    for cut in cut_points(vgg):
        lowest = scores[cut.layer].nsmallest(cut.units - round(0.7 * cut.units)).index
        assert plan.removed[cut.layer] == sorted(lowest)


def test_equal_scores_go_by_their_number(vgg):
    def all_alike(model, analysis, dataset):
        return 0 * kernel_l1(model)

    plan = plan_pruning(vgg, rule=all_alike, target=HALF)
    assert all(units == list(range(len(units))) for units in plan.removed.values())


@pytest.mark.parametrize("across", ["layer", "network"])
@pytest.mark.parametrize("kind", ["macs", "params"])
@pytest.mark.parametrize("rule", ["kernel_l1", "loss"])
def test_counts_are_at_or_a_little_below_their_target(vgg, kind, across, rule):
    rule = rule if rule == "kernel_l1" else lambda model, analysis, dataset: kernel_l1(model) / 100
    plan = plan_pruning(vgg, rule=rule, target=Target(kind, 0.4), across=across)
    assert 0.35 < share(vgg, plan, kind) <= 0.4


def test_a_contest_takes_what_is_worth_least_for_what_it_saves(vgg):
    cuts = cut_points(vgg)

    def alike(model, analysis, dataset):
        return score_series("alike", {cut.layer: np.ones(cut.units) for cut in cuts})

    left = kept(plan_pruning(vgg, rule=alike, target=Target("macs", 0.9), across="network"))
    alone = kept(plan_pruning(vgg, rule=alike, target=Target("keep", 0.9), across="network"))
    saving = max(Bundles(vgg).groups, key=lambda group: group.macs / len(group)).name
    assert [path for path, count in left.items() if count < dict((cut.layer, cut.units) for cut in cuts)[path]] == [
        saving
    ]
    assert alone[cuts[0].layer] == 2 and alone[cuts[-1].layer] == cuts[-1].units


def test_a_contest_leaves_a_quarter_of_every_layer(vgg):
    def first_layers_first(model, analysis, dataset):
        depth = {cut.layer: number for number, cut in enumerate(cut_points(model))}
        return score_series("depth", {cut.layer: np.full(cut.units, depth[cut.layer]) for cut in cut_points(model)})

    left = kept(plan_pruning(vgg, rule=first_layers_first, target=Target("keep", 0.3), across="network"))
    assert all(left[cut.layer] >= cut.units / 4 for cut in cut_points(vgg))
    assert left[cut_points(vgg)[0].layer] == 2


def test_only_layers_that_are_named_lose_units(vgg):
    last = cut_points(vgg)[-1].layer
    for across in ("layer", "network"):
        plan = plan_pruning(vgg, rule="random", target=HALF, across=across, layers=[last])
        assert list(plan.removed) == [last]


def test_units_that_go_together_are_chosen_together(analyzed, dataset):
    def last_of_add(model, analysis, dataset):
        scores = kernel_l1(model).fillna(0) * 0 + 1
        scores[("block/conv", 1)] = -5
        scores[("side", 3)] = -9
        return scores

    plan = plan_pruning(analyzed, rule=last_of_add, target=HALF)
    assert plan.removed["block/conv"] == plan.removed["side"] == plan.removed["add"] == [1, 3]
    assert plan.scores["add"].tolist() == [2, -4, 2, -8]


def test_a_file_of_scores_is_a_rule(vgg, tmp_path):
    path = tmp_path / "scores.csv"
    kernel_l1(vgg).rename("score").reset_index().to_csv(path, index=False)
    expected = plan_pruning(vgg, rule="kernel_l1", target=HALF)
    for rule in (path, str(path), f"{path}:score"):
        assert plan_pruning(vgg, rule=rule, target=HALF).removed == expected.removed


@pytest.mark.parametrize("across", ["layer", "network"])
def test_an_order_is_a_rule(analyzed, across):
    names = [("hidden", 4), ("side", 3), ("hidden", 0), ("block/conv", 2), ("hidden", 1)]

    def order(model, analysis, dataset):
        return pd.MultiIndex.from_tuples(names)

    plan = plan_pruning(analyzed, rule=order, target=Target("keep", 0.6), across=across)
    assert (plan.removed["side"], plan.removed["hidden"]) == ([2, 3], [0, 4])
    assert plan.scores["side"].tolist() == [np.inf, np.inf, 3, 1]
    assert plan.scores["hidden"].tolist() == [2, 4, np.inf, np.inf, 0]


def test_greedy_plans_tell_the_place_of_each_unit(analyzed, dataset, tmp_path):
    plan = plan_pruning(analyzed, dataset, rule="greedy", target=HALF)
    places = np.concatenate([plan.scores["side"], plan.scores["hidden"]])
    assert sorted(places[np.isfinite(places)]) == [0, 1, 2, 3]
    assert (np.isfinite(plan.scores["hidden"]) == ~plan.masks["hidden"]).all()
    plan.save(tmp_path)
    assert load_plan(tmp_path).removed == plan.removed


def test_shares_of_the_units_of_all_layers_are_whole_numbers_where_they_can_be(analyzed):
    plan = plan_pruning(analyzed, rule="random", target=Target("keep", 1 - 1 / 3), across="network")
    assert len(plan.removed.get("side", [])) + len(plan.removed.get("hidden", [])) == 3


@pytest.mark.parametrize("across", ["layer", "network"])
def test_latency_is_measured_of_smaller_networks(vgg, across):
    measured = []

    def weights(models):
        measured.extend(models)
        return [float(model.count_params()) for model in models]

    plan = plan_pruning(vgg, rule="kernel_l1", target=Target("latency", 0.4), across=across, measure=weights)
    assert 0.3 < apply_plan(vgg, plan).model.count_params() / vgg.count_params() <= 0.4
    assert all(model is vgg for model in measured[::2]) and len(measured) <= 14


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rule": "magnitude"}, "There is no rule 'magnitude'. Rules: quality,"),
        ({"rule": "quality"}, "Rule quality looks at images and their labels: give a dataset (--dataset NAME)."),
        ({"rule": "snr"}, "Rule snr looks at fields, and there is no analysis: make one with `fm-keras analyze"),
        ({"across": "all"}, "across is 'all'; it must be layer or network."),
        ({"layers": ["conv9"]}, "Model 'vgg6' has no layer 'conv9'."),
        (
            {"target": Target("latency", 0.5)},
            "A latency is measured: give measure=, a function from models to the seconds of each.",
        ),
        ({"target": Target("macs", 0.001)}, "Target macs=0.001 cannot be met: without all units that may go 0.0"),
        ({"target": Target("macs", 0.001), "across": "network"}, "Target macs=0.001 cannot be met: without all units"),
        ({"target": Target("keep", 0.05), "across": "network"}, "Target keep=0.05 cannot be met: without all units"),
        ({"rule": "batch_norm_scale", "layers": ["dense1"]}, "Model 'vgg6' has no layer 'dense1'."),
        ({"rule": lambda *given: 3}, "Rule <lambda> gave int; it must give a Series over (layer, filter), or a"),
        ({"rule": "missing.csv"}, "missing.csv: No such file or directory."),
    ],
)
def test_what_cannot_be_done_is_one_line(vgg, message_of, given, message):
    given = {"rule": "kernel_l1", "target": HALF} | given
    assert message_of(lambda: plan_pruning(vgg, **given)).startswith(message)


@pytest.mark.parametrize("across", ["layer", "network"])
def test_an_order_that_names_too_few_units_is_refused(analyzed, message_of, across):
    def short(model, analysis, dataset):
        return pd.MultiIndex.from_tuples([("hidden", 4), ("side", 3)])

    message = message_of(lambda: plan_pruning(analyzed, rule=short, target=HALF, across=across))
    assert message == "Rule short names 2 units that may go, which are too few: name more, or let more stay."
