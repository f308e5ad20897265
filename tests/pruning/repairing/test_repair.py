"""A pruned network is brought nearer to the whole one; statistics are those of the images."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.data import Split
from fm_keras.errors import InvalidInput
from fm_keras.pruning import remove_units, unit_groups
from fm_keras.pruning.repairing.repair import recalibrate, repair, repair_table
from fm_keras.settings import RepairSettings

EXACT = RepairSettings(ridges=(1e-7,), steps=0, neighbors=1)
LINEAR = RepairSettings(steps=0, neighbors=1)


@pytest.fixture
def images():
    rng = np.random.default_rng(5)
    return [Split(rng.normal(size=(count, 8, 8, 2)).astype("float32"), np.zeros(count, int)) for count in (300, 100)]


def every_layer(seed=0):
    """Every kind of layer that repair meets: strided, grouped, depthwise, shared, BatchNorm here and there."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="first")(image)
    x = layers.ReLU()(layers.BatchNormalization(name="first_bn")(x))
    x = layers.Conv2D(8, 3, strides=2, padding="same", groups=2, activation="relu", name="grouped")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="depthwise_bn")(x))
    x = layers.Conv2D(8, 1, use_bias=False, name="project")(x)
    trunk = layers.BatchNormalization(scale=False, name="project_bn")(x)
    x = layers.Conv2D(8, 3, padding="same", dilation_rate=2, activation="tanh", name="dilated")(trunk)
    x = layers.GlobalAveragePooling2D()(layers.Add()([trunk, x]))
    twice = layers.Dense(8, activation="relu", name="twice")
    x = twice(twice(x))
    return keras.Model(image, layers.Dense(3, activation="softmax", name="out")(x))


def distance(model, other, split, outputs_of):
    return np.square(outputs_of(model, split.images)[0] - outputs_of(other, split.images)[0]).mean()


@pytest.mark.parametrize("build", ["network", "every"])
def test_an_uncut_network_stays_as_it_is(build, network, randomized, images, outputs_of):
    whole = network if build == "network" else randomized(every_layer())
    repaired = repair(whole, remove_units(whole, {}), images[0])
    for one, other in zip(outputs_of(whole, images[1].images), outputs_of(repaired, images[1].images)):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 6])
@pytest.mark.parametrize("build", ["network", "every"])
def test_outputs_on_other_images_are_nearer_to_the_whole_ones(
    build, steps, network, randomized, third_of, images, outputs_of
):
    whole = network if build == "network" else randomized(every_layer())
    pruned = remove_units(whole, third_of(unit_groups(whole)))
    repaired = repair(whole, pruned, images[0], settings=RepairSettings(steps=steps))
    before, after = (distance(whole, model, images[1], outputs_of) for model in (pruned.model, repaired))
    assert after < 0.7 * before


@pytest.mark.parametrize("norm", [True, False])
def test_a_copy_of_another_unit_is_replaced_by_it(norm, images, outputs_of):
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 2))
    first, then = layers.Conv2D(4, 3, name="first"), layers.Conv2D(3, 3, padding="same", use_bias=not norm)
    x = then(first(image))
    x = layers.ReLU()(layers.BatchNormalization()(x) if norm else x)
    whole = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    kernel = ops.convert_to_numpy(first.kernel).copy()
    kernel[..., 2] = kernel[..., 1]
    first.kernel.assign(kernel)
    repaired = repair(whole, remove_units(whole, {"first": [2]}), images[0], settings=EXACT)
    found, expected = (outputs_of(model, images[1].images)[0] for model in (repaired, whole))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("neighbors", [1, 3])
def test_batch_norm_has_the_statistics_of_its_input_wherever_that_has_changed(
    neighbors, randomized, images, outputs_of
):
    whole = randomized(every_layer())
    pruned = remove_units(whole, {"first": [0, 3, 4, 7]})
    repaired = repair(whole, pruned, images[0], settings=RepairSettings(neighbors=neighbors))
    first, norm = (repaired.get_layer(name) for name in ("first", "first_bn"))
    same = (ops.convert_to_numpy(first.kernel) == ops.convert_to_numpy(pruned.model.get_layer("first").kernel)).all()
    if same:
        np.testing.assert_array_equal(norm.moving_mean, pruned.model.get_layer("first_bn").moving_mean)
    assert same or neighbors > 1
    for name in ("depthwise_bn",) if same else ("first_bn", "depthwise_bn"):
        norm = repaired.get_layer(name)
        (given,) = outputs_of(keras.Model(repaired.input, norm.input), images[0].images)
        np.testing.assert_allclose(norm.moving_mean, given.mean((0, 1, 2)), atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, given.var((0, 1, 2)), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("scale", [True, False])
def test_what_batch_norm_adds_in_place_of_a_bias_is_kept_in_training(scale, images, outputs_of):
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(6, 3, activation="relu", name="first")(image)
    norm = layers.BatchNormalization(scale=scale, name="norm")
    x = norm(layers.Conv2D(4, 3, use_bias=False)(x))
    whole = recalibrate(keras.Model(image, layers.Dense(2)(layers.Flatten()(x))), images[0])
    repaired = repair(whole, remove_units(whole, {"first": [0, 3]}), images[0], settings=LINEAR)
    norm = repaired.get_layer("norm")
    (given,) = outputs_of(keras.Model(repaired.input, norm.input), images[0].images)
    np.testing.assert_allclose(norm.moving_mean, given.mean((0, 1, 2)), atol=2e-3)
    if scale:
        np.testing.assert_allclose(norm.moving_variance, given.var((0, 1, 2)), rtol=1e-4, atol=1e-9)
    in_use, in_training = (ops.convert_to_numpy(norm(given, training=each)) for each in (False, True))
    assert np.abs(in_use.mean((0, 1, 2))).max() < 0.02
    assert np.abs((in_use - in_training).mean((0, 1, 2))).max() < 0.02


def test_nothing_that_was_given_changes_and_the_seed_decides(network, images):
    pruned = remove_units(network, {"block/conv": [1], "side": [1]})
    before = [weight.copy() for model in (network, pruned.model) for weight in model.get_weights()]
    few = RepairSettings(images=100, positions=500)
    repaired = [repair(network, pruned, images[0], settings=few.changed(seed=seed)).get_weights() for seed in (0, 0, 1)]
    after = [weight for model in (network, pruned.model) for weight in model.get_weights()]
    assert all((one == other).all() for one, other in zip(before, after))
    assert all((one == other).all() for one, other in zip(repaired[0], repaired[1]))
    assert any((one != other).any() for one, other in zip(repaired[0], repaired[2]))


def test_labels_are_not_looked_at(network, images):
    pruned = remove_units(network, {"hidden": [0, 2]})
    others = Split(images[0].images, np.arange(300) % 7)
    one, other = (repair(network, pruned, split).get_weights() for split in (images[0], others))
    assert all((a == b).all() for a, b in zip(one, other))


def test_the_table_names_what_is_left_and_why():
    whole = every_layer()
    table = repair_table(remove_units(whole, {"first": [0, 4]})).set_index("layer")
    assert table["repair"].to_dict() == {
        "first": "refit",
        "first_bn": "with the kernel",
        "grouped": "refit",
        "depthwise": "none",
        "depthwise_bn": "statistics",
        "project": "refit",
        "project_bn": "with the kernel",
        "dilated": "refit",
        "twice": "none",
        "twice:2": "none",
        "out": "refit",
    }
    assert "DepthwiseConv2D" in table.why["depthwise"] and "several times" in table.why["twice"]


def test_another_model_and_too_little_memory_are_refused(network, images):
    pruned = remove_units(network, {"hidden": [0]})
    with pytest.raises(InvalidInput, match="memory=1e-06"):
        repair(network, pruned, images[0], settings=RepairSettings(memory=1e-6))
    network.get_layer("out").bias.assign([1.0, 2.0, 3.0])
    with pytest.raises(InvalidInput, match="another model"):
        repair(network, pruned, images[0])


def test_fewer_images_are_taken_where_they_do_not_fit(network, images):
    pruned = remove_units(network, {"hidden": [0]})
    steps = []
    repair(network, pruned, images[0], settings=RepairSettings(memory=1e-3, batch_size=1000), progress=steps.append)
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


def test_recalibrated_statistics_are_those_of_the_images_layer_after_layer(randomized, images, outputs_of):
    model = randomized(every_layer())
    before = [weight.copy() for weight in model.get_weights()]
    fresh = recalibrate(model, images[0], batch_size=128)
    assert all((one == other).all() for one, other in zip(before, model.get_weights()))
    for name in ("first_bn", "depthwise_bn", "project_bn"):
        norm = fresh.get_layer(name)
        (given,) = outputs_of(keras.Model(fresh.input, norm.input), images[0].images)
        np.testing.assert_allclose(norm.moving_mean, given.mean((0, 1, 2)), atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, given.var((0, 1, 2)), rtol=1e-4, atol=1e-9)
        np.testing.assert_array_equal(norm.beta, model.get_layer(name).beta)


def test_recalibration_keeps_nested_models_and_leaves_other_weights(network, images):
    fresh = recalibrate(network, images[0])
    names = [weight.path for weight in fresh.weights]
    assert names == [weight.path for weight in network.weights]
    changed = [
        name for name, one, other in zip(names, fresh.get_weights(), network.get_weights()) if (one != other).any()
    ]
    assert sorted(name.rsplit("/")[-1] for name in changed) == ["moving_mean", "moving_variance"]


@pytest.mark.parametrize("again", ["repair", "recalibrate"])
def test_augmentation_inside_the_network_is_passed_over(again, images):
    def network(moved):
        image = keras.Input((8, 8, 2))
        x = layers.Conv2D(6, 3, name="first")(moved(image))
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="second")(x))
        return keras.Model(image, layers.Dense(3)(x))

    moving, still = (network(moved) for moved in (layers.RandomTranslation(0.4, 0.4), lambda image: image))
    moving.set_weights(still.get_weights())
    found = []
    for model in (moving, still):
        pruned = remove_units(model, {"first": [0, 3]})
        split = images[1]
        found.append(recalibrate(pruned.model, split) if again == "recalibrate" else repair(model, pruned, split))
    for one, other in zip(*(model.get_weights() for model in found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
