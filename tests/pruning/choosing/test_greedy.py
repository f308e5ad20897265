"""The greedy choice over all layers at once: contributions of what goes together, quotas, memory."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.data import Dataset, Split
from fm_keras.filters import choose_units
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.counts import BundleCounts
from fm_keras.pruning.choosing.evidence import Evidence
from fm_keras.pruning.choosing.greedy import greedy_choice, images_that_fit
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import GatedModel, contributions_without, silence_cost


@pytest.fixture(scope="module")
def evidence(analyzed, dataset):
    return Evidence(analyzed, dataset.train)


@pytest.fixture(scope="module")
def bundles(analyzed):
    """The add joins block/conv and side; hidden stands alone."""
    return Bundles(analyzed)


@pytest.mark.parametrize("labeled", [True, False])
def test_where_nothing_is_bundled_it_is_the_choice_of_units_of_all_layers(dataset, rng, labeled):
    keras.utils.set_random_seed(5)
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(5, 3, activation="relu", name="first")(image)
    x = layers.Conv2D(6, 3, activation="relu", name="second")(x)
    model = keras.Model(image, layers.Dense(3)(layers.Flatten()(x)))
    without = contributions_without(GatedModel(model), dataset.train)
    expected = choose_units(without, dataset.train.labels if labeled else None, 7, rounds=8)

    found = greedy_choice(Bundles(model), Evidence(model, dataset.train), 7, np.array([5, 6]), labeled=labeled)

    assert found.tolist() == expected.tolist()


def test_the_first_to_go_is_expected_to_cost_least_with_all_that_goes_along(analyzed, dataset, bundles, evidence):
    (first,) = greedy_choice(bundles, evidence, 1, bundles.sizes - 1, labeled=True)

    gated = GatedModel(analyzed, layers=["block/conv", "side", "hidden"])
    logits, each = contributions_without(gated, dataset.train)(np.array([], int))
    together = [each[:, unit] + each[:, 4 + unit] for unit in range(4)] + [each[:, 8 + unit] for unit in range(5)]
    losses = [loss(logits - lost, dataset.train.labels) for lost in together]
    assert first == np.argmin(losses)


def loss(logits, labels):
    largest = logits.max(axis=1, keepdims=True)
    logs = np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0]
    return np.mean(logs - logits[np.arange(len(labels)), labels])


def test_quotas_are_filled_and_what_is_gone_is_silent_in_later_rounds(bundles, evidence):
    quotas = np.array([2, 3])
    found = greedy_choice(bundles, evidence, 5, quotas, labeled=True)
    assert np.bincount(bundles.group_of[found]).tolist() == quotas.tolist()
    assert len(set(found.tolist())) == 5


def test_removal_ends_when_enough_is_saved(bundles, evidence):
    counts = BundleCounts(bundles, "macs")
    wanted = 0.5 * counts.total()
    found = greedy_choice(bundles, evidence, wanted, bundles.sizes - 1, labeled=True, savings=counts.savings)
    assert counts.total(found) <= 0.5 * counts.total() < counts.total(found[:-1])


def test_it_leaves_the_useful_unit_that_shares_its_layer_with_louder_ones():
    rng = np.random.default_rng(7)
    labels = np.arange(80) % 2
    images = np.where(np.arange(6) == 2, (2.0 * labels - 1)[:, None], 1) * rng.uniform(1, 2, (80, 6))
    split = Split(images, labels)
    x = keras.Input((6,))
    model = keras.Model(x, layers.Dense(2, use_bias=False)(layers.Dense(6, use_bias=False, name="units")(x)))
    alike = rng.uniform(1, 3, (6, 1)) + rng.normal(0, 0.01, (6, 2))
    model.set_weights([np.eye(6), np.where(np.arange(6)[:, None] == 2, [-1, 1], alike)])
    data = Dataset("useful", split, split, ("no", "yes"))
    for labeled in (True, False):
        found = greedy_choice(Bundles(model), Evidence(model, data.train), 5, np.array([5]), labeled=labeled)
        assert sorted(found) == [0, 1, 3, 4, 5]
    assert silence_cost(model, data.train, "units", [[0, 1, 3, 4, 5]])[0] < 0.1


def test_every_round_is_reported(bundles, analyzed, dataset):
    steps = []
    evidence = Evidence(analyzed, dataset.train, progress=steps.append)
    greedy_choice(bundles, evidence, 3, bundles.sizes - 1, labeled=True)
    assert [(step.stage, step.done, step.total) for step in steps] == [("choose", n, 8) for n in (1, 2, 3)]


def test_as_many_images_are_taken_as_fit_equally_many_of_every_label(dataset):
    little = AnalysisSettings(memory_limit=30 * 4 * 4 * 3 * 9 / 1e9)
    found = images_that_fit(dataset.train, 50, units=9, labels=3, settings=little)
    assert np.bincount(found.labels).tolist() == [10, 10, 10]
    assert len(images_that_fit(dataset.train, 12, units=9, labels=3, settings=AnalysisSettings())) == 12


def test_contributions_that_cannot_be_held_are_refused(analyzed, dataset, bundles, message_of):
    settings = AnalysisSettings(memory_limit=1e-6)
    evidence = Evidence(analyzed, dataset.train, settings=settings)
    message = message_of(lambda: greedy_choice(bundles, evidence, 3, bundles.sizes - 1, labeled=True))
    assert message == (
        "The greedy choice among 9 units takes 1.3e-06 GB for one image of each of 3 labels; the memory limit is 1e-06 "
        "GB. Raise it, name fewer layers, or take taylor_squared."
    )
