"""A plan in words: sizes, what is saved, why."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.pruning import Target, apply_plan, plan_pruning, plan_removal, plan_table


@pytest.fixture
def plan_of(analyzed, dataset):
    return lambda rule: plan_pruning(analyzed, dataset, rule=rule, target=Target("keep", 0.5))


def reasons(table):
    return dict(zip(table["layer"], table["why"]))


def test_sizes_and_operations_are_those_of_the_model_that_surgery_makes(analyzed, plan_of):
    plan = plan_of("kernel_l1")
    table = plan_table(analyzed, plan, "kernel_l1").set_index("layer")

    assert list(table) == ["units", "kept", "macs", "macs_kept", "why"]
    assert list(table.index) == ["block/conv", "side", "add", "hidden", "out"]
    assert table["kept"].tolist() == [2, 2, 2, 3, 3]
    effect = apply_plan(analyzed, plan).effect.set_index("layer")
    for column in ("macs", "macs_kept"):
        assert table[column].sum() == effect[column].sum()
        assert table.loc["hidden", column] == effect.loc["hidden", column]


def test_the_rule_says_why_units_go_and_the_graph_why_others_follow_or_stay(analyzed, plan_of):
    found = reasons(plan_table(analyzed, plan_of("kernel_l1"), "kernel_l1"))
    assert found == {
        "block/conv": "smallest kernels",
        "side": "with block/conv",
        "add": "with block/conv",
        "hidden": "smallest kernels",
        "out": "none: out makes an output of the network",
    }


def test_units_that_cost_nothing_are_counted(analyzed, dataset):
    scores = {"block/conv": [1, -1, 2, 3], "side": [1, 0, 2, 3], "hidden": [-1, 0, 5, 6, 7]}
    plan = plan_removal(
        analyzed,
        {"block/conv": [0, 1], "side": [0, 1], "hidden": [0, 1]},
        scores={path: np.array(values, float) for path, values in scores.items()},
    )
    found = reasons(plan_table(analyzed, plan, "taylor_squared"))
    assert found["block/conv"] == "lowest Taylor score; 1 cost nothing"
    assert found["hidden"] == "lowest Taylor score; 2 cost nothing"
    assert reasons(plan_table(analyzed, plan, "kernel_l1"))["hidden"] == "smallest kernels"


def test_plans_of_other_origin_say_what_is_known(analyzed, plan_of):
    def by_hand(model, analysis, dataset):
        return pd.MultiIndex.from_product([["side"], [0, 1]]).append(pd.MultiIndex.from_product([["hidden"], [2, 3]]))

    ordered = plan_of(by_hand)
    assert reasons(plan_table(analyzed, ordered, by_hand))["hidden"] == "first in the order of by_hand"
    assert reasons(plan_table(analyzed, ordered))["hidden"] == "first in the order"
    assert reasons(plan_table(analyzed, plan_of("kernel_l1")))["hidden"] == "lowest score"
    assert reasons(plan_table(analyzed, plan_removal(analyzed, {"hidden": [1]})))["hidden"] == "as the plan says"
    assert reasons(plan_table(analyzed, plan_removal(analyzed, {"hidden": [1]})))["side"] == "none"


@pytest.mark.parametrize("edit", [{"hidden": [0, 3]}, {"hidden": [1]}])
@pytest.mark.parametrize("scores", [[0.0, 1, 2, 3, 4], [0.0, np.inf, 1, np.inf, np.inf], [-1.0, np.nan, 2, 3, 4]])
def test_units_of_an_edited_plan_are_not_said_to_be_the_lowest(analyzed, edit, scores):
    plan = plan_removal(analyzed, edit, scores={"hidden": np.array(scores)})
    for rule in (None, "kernel_l1"):
        assert reasons(plan_table(analyzed, plan, rule))["hidden"] == "chosen by hand: others have lower scores"


@pytest.mark.parametrize("rule", ["taylor_squared", "greedy", "random"])
@pytest.mark.parametrize("across", ["layer", "network"])
def test_units_that_a_rule_chose_are_the_lowest(analyzed, dataset, rule, across):
    plan = plan_pruning(analyzed, dataset, rule=rule, target=Target("macs", 0.5), across=across)
    assert not any("by hand" in why for why in reasons(plan_table(analyzed, plan)).values())


def test_operations_are_missing_where_images_have_no_fixed_size():
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    model = keras.Model(image, layers.Dense(2)(layers.Dense(5, name="hidden")(x)))
    table = plan_table(model, plan_pruning(model, rule="kernel_l1", target=Target("keep", 0.5)), "kernel_l1")
    assert table["layer"].tolist() == ["hidden"]
    assert table[["macs", "macs_kept"]].isna().all(axis=None)


def test_a_plan_for_another_model_is_refused(analyzed, network, message_of):
    plan = plan_removal(analyzed, {"hidden": [1]})
    network.get_layer("hidden").bias.assign(np.zeros(5))
    assert message_of(plan_table, network, plan).startswith("The plan was made for another model than 'small'")
