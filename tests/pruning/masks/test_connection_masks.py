"""Masks are a file that says which connections stay, for one model."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.pruning import ConnectionMasks, afcc_masks, connection_masks, hold_masks, load_masks
from fm_keras.pruning.masks.connections import connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies


@pytest.fixture
def masks(network) -> ConnectionMasks:
    """One connection of four of the convolution, and all of one hidden unit, are cut."""
    side, hidden = np.ones((4, 4), bool), np.ones((64, 5), bool)
    side[1, 2] = hidden[:, 3] = False
    return connection_masks(network, {"side": side, "hidden": hidden}, whole={"out": "not asked for"}, origin="by hand")


def test_dilution_counts_connections_and_weights(masks):
    table = masks.dilution().set_index("layer")
    assert table.loc["side"].to_dict() == {
        "connections": 16,
        "kept": 15,
        "dilution": 1 / 16,
        "weights": 144,
        "weights_cut": 9,
    }
    assert table.loc["hidden", ["kept", "weights_cut"]].tolist() == [256, 64]
    assert masks.total_dilution == 65 / (16 + 320)


def test_no_masks_cut_nothing(network):
    assert connection_masks(network, {}).total_dilution == 0
    assert connection_masks(network, {}).dilution().empty


def test_masks_cannot_be_changed_and_are_no_views_of_what_was_given(network):
    given = np.ones((4, 4), bool)
    masks = connection_masks(network, {"side": given})
    given[0] = False
    assert masks.masks["side"].all()
    with pytest.raises(ValueError, match="read-only"):
        masks.masks["side"][0, 0] = False


def test_saving_and_loading_is_the_identity(masks, tmp_path):
    masks.save(tmp_path / "masks")
    loaded = load_masks(tmp_path / "masks")
    assert (loaded.model, loaded.weights, loaded.whole, loaded.origin) == (
        masks.model,
        masks.weights,
        masks.whole,
        masks.origin,
    )
    assert list(loaded.masks) == list(masks.masks)
    for path, mask in masks.masks.items():
        np.testing.assert_array_equal(loaded.masks[path], mask)
    with pytest.raises(ValueError, match="read-only"):
        loaded.masks["side"][0, 0] = False


def test_layers_inside_nested_models_can_be_masked_and_saved(network, tmp_path):
    mask = np.array([[True, False, True, True], [False, True, True, True]])
    connection_masks(network, {"block/conv": mask}).save(tmp_path)
    loaded = load_masks(tmp_path)
    loaded.check(network)
    np.testing.assert_array_equal(loaded.masks["block/conv"], mask)
    kernel = np.asarray(hold_masks(network, loaded).get_layer("block").get_layer("conv").kernel)
    np.testing.assert_array_equal((kernel != 0).all(axis=(0, 1)), mask)


def test_edited_masks_do_what_they_say_now(masks, network, tmp_path):
    masks.save(tmp_path)
    edited = np.zeros((4, 4), bool)
    np.savez(tmp_path / "masks.npz", side=edited, hidden=masks.masks["hidden"])
    loaded = load_masks(tmp_path)
    assert not np.asarray(hold_masks(network, loaded).get_layer("side").kernel).any()


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (np.ones((4, 5), bool), "expected a bool mask of 'side' of shape (4, 4), found bool of shape (4, 5)."),
        (np.ones((4, 4)), "expected a bool mask of 'side' of shape (4, 4), found float64 of shape (4, 4)."),
    ],
)
def test_a_saved_mask_of_another_shape_is_one_line(masks, tmp_path, side, message, message_of):
    masks.save(tmp_path)
    np.savez(tmp_path / "masks.npz", side=side, hidden=masks.masks["hidden"])
    assert message in message_of(load_masks, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "expected format 1, found 2"),
        ({"layers": {}}, "found side, hidden"),
        ({"layers": {"side": {}}}, "is damaged: layers.side.shape: field required"),
    ],
)
def test_a_damaged_file_is_one_line(masks, tmp_path, changes, message, message_of):
    masks.save(tmp_path)
    path = tmp_path / "masks.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert message in message_of(load_masks, tmp_path)


def test_missing_masks_are_one_line(tmp_path, message_of):
    assert message_of(load_masks, tmp_path / "none").endswith("masks.json is missing. Make the masks again.")


def test_masks_of_another_model_are_refused_and_leave_it_alone(masks, network, message_of):
    network.get_layer("out").bias.assign([7, 7, 7])
    before = network.get_weights()
    assert "The masks were made for another model than 'small': expected hash" in message_of(hold_masks, network, masks)
    for one, other in zip(network.get_weights(), before):
        np.testing.assert_array_equal(one, other)
    connection_masks(network, masks.masks).check(network)


@pytest.mark.parametrize(
    ("path", "mask", "message"),
    [
        ("side", np.ones((3, 4), bool), "The mask of 'side' is bool of shape (3, 4); it must be bool of shape (4, 4):"),
        ("side", np.ones((4, 4), int), "The mask of 'side' is int64 of shape (4, 4); it must be bool of shape"),
        ("add", np.ones((4, 4), bool), "'small' has no connections to mask at 'add'. It has some at: block/conv, side"),
    ],
)
def test_masks_that_do_not_fit_are_one_line(network, path, mask, message, message_of):
    assert message in message_of(lambda: connection_masks(network, {path: mask}))


def test_every_connection_has_the_slice_of_the_kernel_that_it_stands_for(connected):
    """Literally: which channels and units each weight of a kernel joins."""
    connections = connections_of(Dependencies(connected))
    assert list(connections) == ["first", "grouped", "separable", "transposed", "einsum", "twice", "hidden", "out"]
    kernels = {path: np.asarray(each.kernel) for path, each in connections.items()}
    slices = {path: each.slices() for path, each in connections.items()}
    np.testing.assert_array_equal(slices["first"][5], kernels["first"][1, 2])
    np.testing.assert_array_equal(slices["transposed"][1, 3, 2], kernels["transposed"][0, 1, 2, 3])
    np.testing.assert_array_equal(slices["einsum"][0], kernels["einsum"].T)
    assert connections["grouped"].shape == (2, 6)
    assert connections["grouped"].read.tolist() == [[0, 0, 0, 2, 2, 2], [1, 1, 1, 3, 3, 3]]
    assert connections["separable"].shape == (12, 4)
    assert connections["separable"].read[:, 3].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert {path: each.weights for path, each in connections.items()} == {
        "first": 9,
        "grouped": 9,
        "separable": 1,
        "transposed": 4,
        "einsum": 1,
        "twice": 1,
        "hidden": 1,
        "out": 1,
    }


def test_a_dense_layer_across_units_has_no_connections(labeled):
    """Of a map with the units first, Dense reads the last axis, along which no units stand."""
    image = keras.Input((2, 4, 3))
    x = layers.MaxPooling2D(1, data_format="channels_first", name="pool")(layers.Permute((3, 1, 2))(image))
    x = layers.Conv2D(3, 1, data_format="channels_first", name="conv")(x)
    x = layers.Dense(5, name="across")(x)
    model = keras.Model(image, layers.Dense(2, name="out")(layers.Flatten()(x)))
    found = afcc_masks(model, labeled({"conv": [[1, 0]] * 3, "across": [[1, 0]] * 5}))
    assert "across" not in found.masks
    assert found.whole["across"] == "across reads along another axis than that of units"
