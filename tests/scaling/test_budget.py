"""Widths by the law for a budget, and LeNets of equal cost."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from fm_keras.models import ModelSpec, build_model, count_operations
from fm_keras.scaling import conservation_table, conserve, equal_macs_widths, law_deviation
from fm_keras.scaling.budget import _nearest, _widest
from fm_keras.scaling.width_counts import width_counts


def counted(model):
    return {"macs": sum(count_operations(model).values()), "parameters": model.count_params()}


@pytest.mark.parametrize("name", ["vgg16", "vgg6", "avgg8", "lenet", "resnet20"])
@pytest.mark.parametrize(("measure", "budget"), [("macs", 3_000_000), ("parameters", 400_000)])
def test_the_proposal_is_built_as_it_says_within_the_budget_and_keeps_the_law(name, measure, budget):
    proposal = conserve(ModelSpec(name=name, width=2), **{measure: budget})
    model = build_model(proposal.spec)

    assert counted(model) == {"macs": proposal.macs, "parameters": proposal.parameters}
    assert 0.8 * budget < getattr(proposal, measure) <= budget
    built = conservation_table(model)
    assert built.equals(proposal.table.drop(columns="before"))
    # A filter more or less is what whole filters leave of the law.
    np.testing.assert_array_less(abs(built["deviation"]), 0.51 / built["filters"].min() + 1e-9)
    assert proposal.deviation == law_deviation(built)


def test_vgg16_by_the_law_has_twice_the_filters_in_its_last_block():
    widest = build_model(ModelSpec(block_widths=(4, 8, 16, 32, 64)))

    proposal = conserve(ModelSpec(width=64), macs=counted(widest)["macs"])

    assert proposal.spec.block_widths == (4, 8, 16, 32, 64)
    assert proposal.deviation == 0
    assert proposal.table["before"].tolist()[:4] == [64, 64, 128, 128]


def test_settings_of_the_network_stay_and_so_do_its_dense_layers():
    asked = ModelSpec(name="avgg8", width=4, batch_norm=False, pool_order="max_average", image_shape=(40, 32, 1))

    spec = conserve(asked, macs=2_000_000).spec

    assert (spec.batch_norm, spec.pool_order, spec.image_shape) == (False, "max_average", (40, 32, 1))
    assert spec.dense_widths == (256, 256)


COUNTS = width_counts(build_model(ModelSpec(name="vgg6", width=1)))


@given(st.integers(COUNTS.count(COUNTS.filters, "macs") * 4, 10**8))
@settings(deadline=None, max_examples=30)
def test_the_widest_network_is_the_last_that_fits(budget):
    filters = _widest(COUNTS, "macs", budget)
    sides = np.array([side for side, _ in COUNTS.maps.values()])

    assert COUNTS.count(filters, "macs") <= budget
    # The next network by the law: the least constant at which some layer gets a filter more.
    constant = (np.array(list(filters.values())) + 0.5) * sides
    following = np.maximum(1, np.round(constant.min() * (1 + 1e-7) / sides)).astype(int).tolist()
    assert COUNTS.count(dict(zip(filters, following)), "macs") > budget


def test_a_model_of_ones_own_gets_widths_without_a_spec():
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(10, 3, padding="same", name="a"),
            layers.DepthwiseConv2D(3, strides=2, padding="same", name="b"),
            layers.Conv2D(10, 1, name="c"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )

    proposal = conserve(model, macs=200_000)

    first, depthwise, last = proposal.table["filters"]
    assert (proposal.spec, depthwise) == (None, first)
    assert abs(last - 2 * first) <= 1
    assert proposal.macs <= 200_000


def test_a_budget_that_nothing_fits_is_refused_with_the_least_that_does(message_of):
    def narrow(macs):
        return conserve(ModelSpec(name="vgg6"), macs=macs)

    said = message_of(narrow, 100)

    assert said.startswith("A budget of 100 MACs is too small: the narrowest network that keeps the law, its Dense")
    assert said.endswith("has 46,240. Allow at least that.")
    assert narrow(46_240).spec.block_widths == (1, 2, 4, 8, 16)
    assert "too small" in message_of(narrow, 46_239)


def test_one_budget_is_needed_and_only_one(message_of):
    assert "received macs=None, parameters=None" in message_of(lambda: conserve(ModelSpec()))
    assert "received macs=1, parameters=2" in message_of(lambda: conserve(ModelSpec(), macs=1, parameters=2))


def test_lenets_of_equal_cost_differ_in_their_ratio_alone():
    spec = ModelSpec(name="lenet", labels=7)

    found = equal_macs_widths(spec, (0.5, 1, 2, 16 / 6, 4, 8), 4_000_000)

    assert len(found) == 6
    for (width, ratio, macs), asked in zip(found, (0.5, 1, 2, 16 / 6, 4, 8)):
        model = build_model(spec.changed(width=width, depth_ratio=ratio))
        assert counted(model)["macs"] == macs == pytest.approx(4_000_000, rel=0.02)
        assert ratio == pytest.approx(asked, rel=0.1)


def test_lenet5_comes_back_from_its_own_cost_and_ratio():
    macs = counted(build_model(ModelSpec(name="lenet5")))["macs"]

    assert equal_macs_widths(ModelSpec(name="lenet"), [16 / 6], macs) == [(6, 16 / 6, macs)]


def test_ratios_that_come_to_the_same_network_are_there_once():
    assert len(equal_macs_widths(ModelSpec(name="lenet"), [2.6, 2.65, 2.7], 600_000)) == 1


LENET = width_counts(build_model(ModelSpec(name="lenet", width=1)))


@given(st.floats(0.1, 20), st.integers(3_000_000, 10**8))
@settings(deadline=None, max_examples=60)
def test_the_cost_at_any_ratio_is_within_half_a_filter_of_the_budget(ratio, macs):
    width, found, cost = _nearest(LENET, ratio, macs)

    second = round(found * width)
    step = LENET.count({"conv1": width, "conv2": second + 1}, "macs") - cost
    assert abs(cost - macs) <= step / 2
    assert second / width == found


def test_ratios_and_costs_that_cannot_be_are_refused(message_of):
    lenet = ModelSpec(name="lenet")

    assert "Model vgg16 has no depth_ratio" in message_of(equal_macs_widths, ModelSpec(), [2], 10**6)
    assert "above 0; received -1" in message_of(equal_macs_widths, lenet, [-1], 10**6)
    assert "65 MACs are too few for the depth ratio 3: the least is 86,220" in message_of(
        equal_macs_widths, lenet, [3], 65
    )


@pytest.mark.parametrize("budget", [float("inf"), float("nan"), 10**400])
def test_a_budget_without_end_is_refused(message_of, budget):
    lenet = ModelSpec(name="lenet")

    assert "A budget is a number of MACs up to 1e+18; received" in message_of(lambda: conserve(lenet, macs=budget))
    assert "number of parameters up to 1e+18" in message_of(lambda: conserve(lenet, parameters=budget))
    assert "A budget is a number of MACs" in message_of(equal_macs_widths, lenet, [2], budget)
