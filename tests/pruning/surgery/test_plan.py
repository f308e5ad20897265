"""A plan is a file that says what goes, for one model."""

import json

import numpy as np
import pytest

from fm_keras.pruning import apply_plan, load_plan, plan_removal, remove_units


@pytest.fixture
def plan(network):
    scores = {"hidden": np.array([0.5, 0.1, 0.4, 0.2, 0.3])}
    return plan_removal(network, {"hidden": [1, 3], "block/conv": [0], "side": [0]}, scores=scores)


def test_a_plan_maps_old_numbers_to_new_ones_and_back(plan):
    assert plan.removed == {"block/conv": [0], "side": [0], "add": [0], "hidden": [1, 3]}
    assert plan.index_map["hidden"].tolist() == [0, -1, 1, -1, 2]
    for path, mask in plan.masks.items():
        np.testing.assert_array_equal(plan.index_map[path][plan.kept[path]], np.arange(mask.sum()))


def test_a_plan_can_be_read_as_a_table(plan):
    assert plan.table().set_index("layer").loc["hidden"].tolist() == [5, 3]
    assert plan.table()["layer"].tolist() == ["block/conv", "side", "add", "hidden"]


def test_units_of_the_result_are_those_the_index_map_names(network, plan):
    pruned = apply_plan(network, plan).model
    old, new = network.get_layer("hidden"), pruned.get_layer("hidden")
    np.testing.assert_array_equal(new.bias, np.asarray(old.bias)[plan.kept["hidden"]])


def test_saving_and_loading_is_the_identity(plan, tmp_path):
    plan.save(tmp_path / "plan")
    loaded = load_plan(tmp_path / "plan")
    assert loaded.model == plan.model
    assert list(loaded.masks) == list(plan.masks)
    for path, mask in plan.masks.items():
        np.testing.assert_array_equal(loaded.masks[path], mask)
    np.testing.assert_array_equal(loaded.scores["hidden"], plan.scores["hidden"])


def test_a_plan_without_scores_can_be_saved(network, tmp_path):
    plan_removal(network, {"hidden": [0]}).save(tmp_path)
    assert load_plan(tmp_path).removed == {"hidden": [0]}


def edit(folder, **changes):
    path = folder / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_edited_plan_does_what_it_says_now(network, plan, tmp_path):
    plan.save(tmp_path)
    edit(tmp_path, removed={"block/conv": [2], "side": [2]})
    found = apply_plan(network, load_plan(tmp_path))
    assert found.plan.removed == remove_units(network, {"block/conv": [2], "side": [2]}).plan.removed
    assert found.plan.removed["add"] == [2]


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ({"hidden": 4}, "4 units at 'hidden', the model has 5 there."),
        ({"x": 4}, "4 units at 'x', the model has no such"),
    ],
)
def test_a_plan_for_other_sizes_is_refused_as_one_for_another_model(network, plan, tmp_path, units, said, message_of):
    plan.save(tmp_path)
    edit(tmp_path, units=json.loads((tmp_path / "plan.json").read_text())["units"] | units)
    found = message_of(apply_plan, network, load_plan(tmp_path))
    assert found.startswith("The plan was made for another model than 'small': it speaks of ") and said in found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "expected format 1, found 2"),
        ({"removed": {"hidden": [5]}}, "removes units [5] of 'hidden', which it does not have"),
        ({"removed": {"nowhere": [0]}}, "removes units [0] of 'nowhere', which it does not have"),
        ({"removed": {"hidden": ["a"]}}, "is damaged: removed.hidden.0"),
        ({"scored": ["side"]}, "expected the arrays side, found hidden"),
    ],
)
def test_a_damaged_plan_is_one_line(plan, tmp_path, changes, message, message_of):
    plan.save(tmp_path)
    edit(tmp_path, **changes)
    assert message in message_of(load_plan, tmp_path)


def test_a_missing_plan_is_one_line(tmp_path, message_of):
    assert message_of(load_plan, tmp_path / "none").endswith("plan.json is missing. Plan again.")


def test_masks_cannot_be_changed(plan):
    with pytest.raises(ValueError, match="read-only"):
        plan.masks["hidden"][0] = False


@pytest.mark.parametrize(
    ("layer", "message"),
    [("side", "The scores of 'side' have shape (5,), but it has 4 units."), ("out", "no units that could be removed.")],
)
def test_scores_must_fit_the_units(network, layer, message, message_of):
    assert message_of(lambda: plan_removal(network, {}, scores={layer: np.ones(5)})).endswith(message)
