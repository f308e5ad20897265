"""What is counted without making a model is what surgery leaves."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.models import ModelSpec, build_model
from fm_keras.pruning import Target, apply_plan, plan_pruning, remove_units
from fm_keras.pruning.choosing.bundles import Bundles
from fm_keras.pruning.choosing.counts import BundleCounts, count_terms, counts_by_call


@pytest.fixture
def shared():
    """Two calls of one layer, an add, a flattened map."""
    image = keras.Input((6, 6, 3))
    twice = layers.Conv2D(4, 1, name="twice")
    stem = layers.Conv2D(4, 3, name="stem")(image)
    both = layers.Add(name="add")([twice(stem), twice(layers.ReLU()(stem))])
    x = layers.Dense(6, name="hidden")(layers.Flatten()(both))
    return keras.Model(image, layers.Dense(2, name="out")(x))


@pytest.fixture
def biasless(randomized):
    """Blocks without biases that begin with BatchNorm, where a silent unit's zero becomes something else."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(6, 1, use_bias=False, name="stem")(image)
    for number in range(2):
        y = layers.Activation("tanh")(layers.BatchNormalization()(x))
        y = layers.Conv2D(4, 1, use_bias=False, name=f"inner{number}")(y)
        y = layers.Activation("tanh")(layers.BatchNormalization()(y))
        x = layers.Add(name=f"add{number}")([x, layers.Conv2D(6, 1, use_bias=False, name=f"outer{number}")(y)])
    x = layers.GlobalAveragePooling2D()(layers.Activation("tanh")(layers.BatchNormalization()(x)))
    return randomized(keras.Model(image, layers.Dense(2, use_bias=False, name="out")(x)))


@pytest.fixture(params=["connected", "analyzed", "shared", "biasless", "resnet20"])
def model(request):
    if request.param == "resnet20":
        return build_model(ModelSpec(name="resnet20", width=4, image_shape=(32, 32, 3), labels=10))
    return request.getfixturevalue(request.param)


@pytest.fixture
def some(model, rng):
    """Bundles, and a third of every group."""
    bundles = Bundles(model)
    groups = [np.flatnonzero(bundles.group_of == group) for group in range(len(bundles.groups))]
    return bundles, np.concatenate([rng.choice(group, len(group) // 3, replace=False) for group in groups])


@pytest.mark.parametrize("measure", ["macs", "params"])
def test_counts_are_those_of_the_model_that_surgery_makes(model, some, measure):
    bundles, removed = some
    effect = remove_units(model, bundles.units(removed)).effect.set_index("layer")
    terms = count_terms(bundles.found, measure)
    for column, chosen in ((measure, []), (f"{measure}_kept", removed)):
        gone = np.isin(bundles.number_of, chosen)
        counts = counts_by_call(terms, gone)
        assert {path: value for path, value in counts.items() if value} == {
            path: value for path, value in effect[column].items() if value
        }
        assert BundleCounts(bundles, measure).total(chosen) == pytest.approx(effect[column].sum(), abs=1e-6)


@pytest.mark.parametrize("measure", ["macs", "params"])
def test_each_bundle_saves_the_difference_of_two_counts(some, measure):
    bundles, removed = some
    counts = BundleCounts(bundles, measure)
    savings = counts.savings(removed)
    for bundle in np.setdiff1d(np.arange(len(bundles)), removed)[::3]:
        less = counts.total(removed) - counts.total([*removed, bundle])
        assert savings[bundle] == pytest.approx(less, rel=1e-9) and less > 0


def test_biases_that_surgery_adds_count_from_the_first_unit_on(biasless):
    bundles = Bundles(biasless)
    counts, (first, second, *_), inner = BundleCounts(bundles, "params"), bundles.at("stem"), bundles.at("inner0")[0]
    own = 3 + 2 * 4  # where the unit is made, by the stem and both blocks
    read = 3 * 4 + 2 * 4 + 2  # BatchNorms, both blocks, the last layer
    assert counts.savings([])[first] == own + read - 4 - 4
    assert counts.savings([first])[second] == own + read
    assert counts.savings([])[inner] == 6 + 4 + 6
    assert counts.savings([first])[inner] == 5 + 1 + 4 + 5


@pytest.mark.parametrize("across", ["layer", "network"])
def test_a_share_of_the_parameters_is_kept_to_where_surgery_adds_biases(biasless, across):
    biased = []
    for share in (0.9, 0.75, 0.6, 0.45):
        plan = plan_pruning(biasless, rule="kernel_l1", target=Target.of(params=share), across=across)
        pruned = apply_plan(biasless, plan).model
        biased.append(pruned.get_layer("inner0").use_bias)
        assert pruned.count_params() <= share * biasless.count_params()
    assert any(biased)


def test_fewer_units_make_those_of_the_neighbors_save_less(shared):
    bundles = Bundles(shared)
    counts, hidden = BundleCounts(bundles, "macs"), np.flatnonzero(bundles.at("hidden") >= 0)
    before, after = counts.savings([]), counts.savings([bundles.at("add")[0]])
    assert (after[bundles.at("hidden")] == before[bundles.at("hidden")] - 16).all()
    assert len(hidden) == 6


def test_macs_need_images_of_a_fixed_size(message_of):
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    bundles = Bundles(keras.Model(image, layers.Dense(2)(layers.Dense(5, name="hidden")(x))))
    assert message_of(BundleCounts, bundles, "macs").startswith("Operations of layer 'conv' cannot be counted")
    assert BundleCounts(bundles, "params").total() == 4 * 28 + 5 * 5 + 6 * 2
