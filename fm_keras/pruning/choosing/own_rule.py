"""A rule of a user's by its name: module:function, or FILE.py:function."""

from __future__ import annotations

from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.rules import Rule
from fm_keras.pruning.scores.scores_file import is_scores_file


def is_own_rule(rule: str) -> bool:
    """Whether a rule names a function, such as mine:rule or rules/mine.py:rule."""
    return ":" in rule and not is_scores_file(rule)


def load_rule(name: str) -> Rule:
    """The function that a rule names.

    Raises:
        InvalidInput: no such module, file or function.
    """
    source, _, function = name.rpartition(":")
    try:
        module = _load_file(Path(source)) if source.endswith(".py") else import_module(source)
    except (ImportError, OSError, SyntaxError, ValueError) as error:  # ValueError: an empty name
        raise InvalidInput(f"Rule {name}: {source!r} cannot be imported: {error}.") from error
    found = getattr(module, function, None)
    if not callable(found):
        raise InvalidInput(f"Rule {name}: {source!r} has no function {function!r}.")
    return found


def rule_name(rule: Rule) -> str:
    """What a function is called in tables and errors."""
    return getattr(rule, "__name__", type(rule).__name__)


def _load_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
