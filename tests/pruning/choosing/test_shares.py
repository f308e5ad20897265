"""The same share of every group: rounding, and the nearest that fits from below."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from fm_keras.pruning import Target, remove_units
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.counts import BundleCounts
from fm_keras.pruning.choosing.shares import kept_units, same_share, within


@pytest.fixture(scope="module")
def chain():
    """Three convolutions of 6, 10 and 4 units."""
    image = keras.Input((6, 6, 3))
    x = image
    for name, units in (("a", 6), ("b", 10), ("c", 4)):
        x = layers.Conv2D(units, 3, padding="same", name=name)(x)
    model = keras.Model(image, layers.Dense(2, name="out")(layers.GlobalAveragePooling2D()(x)))
    return model, Bundles(model)


def unmeasured(removed):
    pytest.fail("nothing has to be measured")


@given(st.lists(st.integers(1, 600), min_size=1, max_size=5), st.floats(0.001, 0.999))
def test_the_nearest_number_is_kept_and_at_least_one(sizes, share):
    kept = kept_units(np.array(sizes), share)
    assert ((kept >= 1) & (kept <= sizes)).all()
    assert (np.abs(kept - share * np.array(sizes)) <= 0.5 + 1e-6).all() or (kept == 1).any()


def test_halves_are_rounded_up():
    assert kept_units(np.array([1, 3, 5, 6]), 0.5).tolist() == [1, 2, 3, 3]


def test_keep_is_the_share_itself(chain):
    assert same_share(chain[1], Target("keep", 0.3), unmeasured).tolist() == [2, 3, 1]


@pytest.mark.parametrize("kind", ["macs", "params"])
@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.77, 0.95])
def test_counts_are_met_and_no_group_could_keep_one_more_at_its_share(chain, kind, share):
    model, bundles = chain
    kept = same_share(bundles, Target(kind, share), unmeasured)

    effect = remove_units(model, bundles.units(bundles.first_of_each(kept))).effect
    assert effect[f"{kind}_kept"].sum() <= share * effect[kind].sum()
    counts = BundleCounts(bundles, kind)
    for group, size in enumerate(bundles.sizes):
        more = kept.copy()
        more[group] += 1
        ahead = more[group] / size > kept_share(bundles.sizes, kept)
        assert more[group] > size or ahead or counts.total(bundles.first_of_each(more)) > share * counts.total()


def kept_share(sizes, kept):
    """The largest share at which none keeps more."""
    return ((kept + 0.5) / sizes).max()


def test_the_largest_measured_share_that_fits_is_taken(chain):
    _, bundles = chain
    seen = []

    def ratio(removed):
        seen.append(removed)
        return 1 - sum(map(len, removed.values())) / 20

    kept = same_share(bundles, Target("latency", 0.5), ratio)

    assert kept.tolist() == [3, 5, 2]
    assert len(seen) <= 6


def test_what_cannot_be_met_says_how_much_stays(chain, message_of):
    assert message_of(same_share, chain[1], Target("latency", 0.5), lambda removed: 0.7) == (
        "Target latency=0.5 cannot be met: without all units that may go 0.7 stays. Let more stay, or let more layers "
        "lose units."
    )
    assert "macs=0.001 cannot be met: without all units that may go 0.0" in message_of(
        same_share, chain[1], Target("macs", 0.001), unmeasured
    )


@given(st.integers(1, 50), st.integers(0, 49))
def test_the_last_number_within_the_target_is_found(count, last):
    last = min(last, count - 1)
    assert within(Target("macs", 0.5), lambda number: 0.5 if number <= last else 0.6, count) == last
