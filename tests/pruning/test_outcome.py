"""What pruning made, to a folder and back."""

import numpy as np
import pandas as pd
import pytest

import fm_keras
from fm_keras.pruning import Pruning, connection_masks, load_plan


@pytest.fixture(scope="module")
def pruning(analyzed, dataset):
    return fm_keras.prune(analyzed, dataset, rule="kernel_l1", keep=0.5, epochs=0)


def test_what_is_saved_is_what_is_loaded(pruning, dataset, tmp_path, outputs_of):
    pruning.save(tmp_path / "half")
    again = Pruning.load(tmp_path / "half")

    for name in ("steps", "effect", "savings"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(pruning, name))
    assert again.plan.removed == pruning.plan.removed
    assert again.masks is None
    for one, other in zip(outputs_of(again.model, dataset.test.images), outputs_of(pruning.model, dataset.test.images)):
        np.testing.assert_array_equal(one, other)


def test_the_plan_of_the_folder_can_be_applied_to_the_whole_network(pruning, analyzed, tmp_path):
    pruning.save(tmp_path)
    load_plan(tmp_path).check(analyzed)


def test_masks_are_kept_too(analyzed, dataset, tmp_path):
    mask = np.array([[True, False, True]] * 5)
    made = fm_keras.prune(analyzed, dataset, plan=connection_masks(analyzed, {"out": mask}), epochs=0)
    made.save(tmp_path)
    np.testing.assert_array_equal(Pruning.load(tmp_path).masks.masks["out"], mask)


@pytest.mark.parametrize("content", [None, ""])
def test_a_missing_or_damaged_table_is_one_line(pruning, tmp_path, content, message_of):
    pruning.save(tmp_path)
    if content is None:
        (tmp_path / "steps.csv").unlink()
    else:
        (tmp_path / "steps.csv").write_text(content)

    said = message_of(Pruning.load, tmp_path)

    assert said.startswith(f"{tmp_path / 'steps.csv'} is {'missing' if content is None else 'damaged'}")


def test_it_says_what_it_is(pruning):
    whole = pruning.accuracy("whole")
    assert repr(pruning).startswith("Pruning('small', accuracy=")
    assert f"of {whole:.3f}" in repr(pruning)
    assert pruning.accuracy("fine-tuned") is None
