"""fm-keras prune: rules of this house and of the user's, and what is said where they, or targets, fall short."""

import json
import shutil

import pandas as pd

from fm_keras.pruning import Pruning

BARE = ("--repair", "none", "--epochs", 0)
FAST = ("--repair", "recalibrate", "--epochs", 0, "--images", 50)


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_scores_of_the_user_s_are_a_rule(command, here, tmp_path):
    rows = [("conv2", unit, float(unit)) for unit in range(16)]
    pd.DataFrame(rows, columns=["layer", "filter", "score"]).to_csv(tmp_path / "mine.csv", index=False)
    words = ("prune", "small", "--runs-dir", here, "--rule", tmp_path / "mine.csv", "--layers", "conv2", "--keep", 0.5)

    found = document(command(*words, *FAST, "--json"))

    assert found["path"].endswith("prune/mine-keep-0.5")
    assert Pruning.load(found["path"]).plan.removed == {"conv2": list(range(8))}


def test_a_file_of_scores_may_lie_anywhere(command, here, tmp_path):
    folder = tmp_path / "a:b, c"
    folder.mkdir()
    rows = [("conv2", unit, float(unit), -float(unit)) for unit in range(16)]
    pd.DataFrame(rows, columns=["layer", "filter", "score", "other"]).to_csv(folder / "mine.csv", index=False)
    words = ("prune", "small", "--runs-dir", here, "--layers", "conv2", "--keep", 0.5)

    found = document(command(*words, "--rule", folder / "mine.csv", *BARE, "--json"))
    other = document(command(*words, "--rule", f"{folder / 'mine.csv'}:other", *BARE, "--json"))

    assert Pruning.load(found["path"]).plan.removed == {"conv2": list(range(8))}
    assert Pruning.load(other["path"]).plan.removed == {"conv2": list(range(8, 16))}


OWN_RULE = """
import pandas as pd
def last_first(model, analysis, dataset):
    return pd.MultiIndex.from_product([["conv2"], range(15, -1, -1)])
"""


def test_a_function_of_the_user_s_is_a_rule(command, here, tmp_path):
    file = tmp_path / "my_rules.py"
    file.write_text(OWN_RULE)
    words = ("prune", "small", "--runs-dir", here, "--rule", f"{file}:last_first", "--layers", "conv2", "--keep", 0.5)

    found = document(command(*words, *BARE, "--json"))

    assert found["path"].endswith("prune/last_first-keep-0.5")
    assert Pruning.load(found["path"]).plan.removed == {"conv2": list(range(8, 16))}
    file.write_text(OWN_RULE.replace("range(15, -1, -1)", "range(16)"))
    other = document(command(*words, *BARE, "--json"))
    assert Pruning.load(other["path"]).plan.removed == {"conv2": list(range(8))}


def test_masks_say_that_no_kernel_is_refitted(command, here):
    words = ("prune", "small", "--runs-dir", here, "--rule", "afcc", "--epochs", 0, "--repair-images", 50, "--json")
    said = "Kernels with zeros are not refitted: --repair refit took BatchNorm statistics again."
    assert document(command(*words))["answer"].endswith(said)
    assert said not in document(command(*words, "--repair", "recalibrate"))["answer"]


def test_a_latency_that_is_not_met_in_the_end_is_named(command, here, monkeypatch):
    monkeypatch.setattr("fm_keras.pruning.choosing.choice.forward_seconds", lambda models, split, preprocess: (4, 1))
    words = ("prune", "small", "--runs-dir", here, "--rule", "kernel_l1", "--latency", 0.5, *BARE, "--json")
    said = "Measured again, that is more than the 50% of the time that were asked for"
    monkeypatch.setattr("fm_keras.pruning.savings._medians", lambda passes, x: [4, 3])
    assert said in document(command(*words))["answer"]
    monkeypatch.setattr("fm_keras.pruning.savings._medians", lambda passes, x: [4, 2])
    assert said not in document(command(*words, "--name", "fast"))["answer"]


def test_the_rules_are_listed(command):
    outcome = command("prune", "--rules")
    assert outcome.code == 0
    for rule in ("taylor_squared", "greedy", "afcc"):
        assert f" {rule} " in outcome.out
    listed = document(command("prune", "--rules", "--json"))["rules"]
    assert set(listed[0]) == {"rule", "what", "needs", "source"}


def test_a_rule_that_needs_fields_says_which_command_measures_them(command, here):
    shutil.rmtree(here / "small" / "analysis")
    outcome = command("prune", "small", "--runs-dir", here, "--rule", "snr", "--keep", 0.5)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1] == (
        f"Error: snr goes by fields, and small has none yet. Measure them: fm-keras analyze small --runs-dir {here} "
        "--fields probe"
    )
