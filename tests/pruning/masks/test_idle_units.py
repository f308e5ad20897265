"""Units that lead nowhere can be removed, and nothing changes."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.pruning import (
    afcc_masks,
    connection_masks,
    hold_masks,
    release_masks,
    remove_units,
    units_without_input,
    units_without_output,
)
from fm_keras.pruning.masks.connections import connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies


@pytest.fixture
def masked_by(randomized):
    """A model with masks, and its masked copy: rows and columns of some layers are cut."""

    def mask(model, rows=None, columns=None):
        randomized(model)
        masks = {}
        for path, units in (rows or {}).items():
            masks[path] = np.ones(shape_of(model, path), bool)
            masks[path][units] = False
        for path, units in (columns or {}).items():
            masks.setdefault(path, np.ones(shape_of(model, path), bool))[:, units] = False
        found = connection_masks(model, masks)
        return found, release_masks(hold_masks(model, found))

    return mask


def shape_of(model, path):
    return model.get_layer(path).kernel.shape[-2:]


def chain():
    numbers = keras.Input((4,))
    x = layers.Dense(4, "relu", name="one")(numbers)
    x = layers.Dense(3, "relu", name="two")(x)
    return keras.Model(numbers, layers.Dense(2, name="out")(x), name="chain")


def test_a_unit_that_leads_only_to_idle_ones_is_idle(masked_by):
    masks, model = masked_by(chain(), rows={"out": [1], "two": []}, columns={"two": []})
    assert units_without_output(model, masks) == {"two": [1]}
    masks, model = masked_by(chain(), rows={"out": [1, 2], "two": [3]}, columns={"two": []})
    assert units_without_output(model, masks) == {"one": [3], "two": [1, 2]}
    keep = np.ones((4, 3), bool)
    keep[2, 0] = False  # unit 2 of the first layer leads only to those that lead nowhere
    masks = connection_masks(chain(), {**masks.masks, "two": keep})
    assert units_without_output(model, masks) == {"one": [2], "two": [1, 2]}


def test_units_without_input_are_those_whose_column_is_cut(masked_by):
    masks, model = masked_by(chain(), columns={"two": [0, 2], "out": []})
    assert units_without_input(model, masks) == {"two": [0, 2]}


def test_of_a_layer_that_leads_nowhere_one_unit_stays(masked_by, outputs_of, rng):
    masks, model = masked_by(chain(), rows={"out": [0, 1, 2]})
    found = units_without_output(model, masks)
    assert found == {"one": [1, 2, 3], "two": [1, 2]}
    x = rng.normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(
        outputs_of(remove_units(model, found).model, x)[0], outputs_of(model, x)[0], rtol=1e-5, atol=1e-6
    )


def test_units_that_meet_in_an_add_are_idle_together(network, masked_by, outputs_of, assert_alike, rng):
    rows = {"hidden": [place * 4 + 2 for place in range(16)]}
    masks, model = masked_by(network, rows=rows)
    assert units_without_output(model, masks) == {}  # the second convolution reads that unit still
    masks, model = masked_by(network, rows={**rows, "side": [2]})
    found = units_without_output(model, masks)
    assert found == {"block/conv": [2], "side": [2], "add": [2]}
    x = rng.normal(size=(5, 8, 8, 2)).astype("float32")
    assert_alike(outputs_of(remove_units(model, found).model, x), outputs_of(model, x))


def test_removing_idle_units_changes_no_output(connected, outputs_of, assert_alike, rng):
    shapes = {path: each.shape for path, each in connections_of(Dependencies(connected)).items()}
    masks = connection_masks(connected, {path: rng.random(shape) < 0.3 for path, shape in shapes.items()})
    model = release_masks(hold_masks(connected, masks))
    found = units_without_output(model, masks)
    pruned = remove_units(model, found)
    assert sum(map(len, found.values())) > 3
    assert pruned.effect["macs_kept"].sum() < pruned.effect["macs"].sum()
    x = rng.normal(size=(5, 4, 4, 4)).astype("float32")
    assert_alike(outputs_of(pruned.model, x), outputs_of(model, x))


def test_masks_that_do_not_fit_are_one_line(connected, connected_analysis, network, message_of):
    masks = afcc_masks(connected, connected_analysis)
    for find in (units_without_input, units_without_output):
        assert "'small' has no connections to mask at 'grouped'" in message_of(find, network, masks)
