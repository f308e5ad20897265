"""Functions of a user's are named by module or file."""

import pytest

from fm_keras.pruning.choosing.ask import as_rule
from fm_keras.pruning.choosing.own_rule import is_own_rule, load_rule


def test_names_of_functions_are_told_from_names_of_rules_and_files_of_scores():
    assert is_own_rule("mine:rule") and is_own_rule("a b/mine.py:rule")
    assert not any(map(is_own_rule, ["kernel_l1", "mine.csv", "filters.csv:quality", "a:b/mine.csv"]))


def test_a_function_is_found_in_a_file_and_in_a_module(tmp_path, monkeypatch):
    (tmp_path / "some_rules.py").write_text("NUMBER = 7\ndef mine(model, analysis, dataset):\n    return NUMBER\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in (f"{tmp_path}/some_rules.py:mine", "some_rules:mine"):
        assert as_rule(name)(None, None, None) == 7


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module:mine", "Rule no_such_module:mine: 'no_such_module' cannot be imported: No module named"),
        ("none.py:mine", "Rule none.py:mine: 'none.py' cannot be imported: "),
        (":mine", "Rule :mine: '' cannot be imported: "),
        ("math:pi", "Rule math:pi: 'math' has no function 'pi'."),
    ],
)
def test_what_is_not_there_is_one_line(name, said, message_of):
    assert message_of(load_rule, name).startswith(said)
