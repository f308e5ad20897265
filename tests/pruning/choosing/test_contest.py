"""Units of all groups compete, and a quarter of every group stays."""

import numpy as np
import pytest

from fm_keras.models import ModelSpec, build_model
from fm_keras.pruning import Target, remove_units
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.choosers import ByWorth
from fm_keras.pruning.choosing.contest import LEAST_SHARE, contest


@pytest.fixture(scope="module")
def vgg():
    model = build_model(ModelSpec(name="vgg6", width=8, image_shape=(32, 32, 3), labels=10))
    return model, Bundles(model)


def unmeasured(removed):
    pytest.fail("nothing has to be measured")


@pytest.fixture
def chooser(vgg, rng):
    return ByWorth(vgg[1], rng.random(len(vgg[1])), "loss", "mine")


@pytest.mark.parametrize("kind", ["macs", "params"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_it_ends_as_soon_as_little_enough_stays(vgg, chooser, kind, share):
    model, bundles = vgg
    order = contest(bundles, Target(kind, share), chooser, unmeasured)
    stays = []
    for chosen in (order, order[:-1]):
        effect = remove_units(model, bundles.units(chosen)).effect
        stays.append(effect[f"{kind}_kept"].sum() / effect[kind].sum())
    assert stays[0] <= share < stays[1]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_keep_counts_units_of_all_groups_together(vgg, chooser, share):
    _, bundles = vgg
    order = contest(bundles, Target("keep", share), chooser, unmeasured)
    assert len(bundles) - len(order) == int(share * len(bundles) + 1e-9)
    assert (
        order.tolist()
        == ByWorth(bundles, chooser.worth, "share", "")
        .order(bundles.sizes - np.ceil(LEAST_SHARE * bundles.sizes).astype(int), len(order))
        .tolist()
    )


def test_a_quarter_of_every_group_stays_and_less_cannot_be_asked_for(vgg, chooser, message_of):
    _, bundles = vgg
    order = contest(bundles, Target("keep", LEAST_SHARE), chooser, unmeasured)
    left = bundles.sizes - np.bincount(bundles.group_of[order])
    assert left.tolist() == (bundles.sizes // 4).tolist()
    assert message_of(contest, bundles, Target("keep", 0.24), chooser, unmeasured) == (
        "Target keep=0.24 cannot be met: without all units that may go 0.25 stays. Let more stay, or let more layers "
        "lose units."
    )


def test_a_latency_is_measured_along_the_order_of_the_contest(vgg, chooser):
    _, bundles = vgg
    seen = []

    def ratio(removed):
        seen.append(sum(map(len, removed.values())))
        return 1 - seen[-1] / len(bundles)

    order = contest(bundles, Target("latency", 0.6), chooser, ratio)

    assert 0.36 * len(bundles) < len(order) < 0.44 * len(bundles)
    assert len(order) in seen and len(seen) <= 6
    assert order.tolist() == contest(bundles, Target("macs", 0.15), chooser, unmeasured)[: len(order)].tolist()
