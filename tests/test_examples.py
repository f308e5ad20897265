"""The examples, those of the docstrings, and the Python of the README run as they stand."""

import doctest
import importlib
import re
import runpy
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
NEED_TENSORFLOW = ("fm_keras.serving", "FilterMatrices")
EXAMPLES = [
    pytest.param(
        path, marks=pytest.mark.tensorflow if any(word in path.read_text("utf-8") for word in NEED_TENSORFLOW) else ()
    )
    for path in sorted((HOME / "examples").glob("*.py"))
]
BLOCKS = re.findall(r"```python\n(.*?)```", (HOME / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


EXPLAINED = [path for path in sorted((HOME / "fm_keras").rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", EXPLAINED, ids=lambda path: path.stem)
def test_the_examples_of_the_docstrings_run(path):
    module = importlib.import_module(".".join(path.relative_to(HOME).with_suffix("").parts))
    result = doctest.testmod(module)
    assert result.attempted
    assert result.failed == 0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(example, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0])
def test_the_python_of_the_readme_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})


def test_the_readme_shows_python():
    assert BLOCKS


def test_every_command_of_the_readme_exists():
    from fm_keras_cli.main import COMMANDS

    text = (HOME / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"^(?:.*&& |\$ | +)?fm-keras (\w+)", text, flags=re.MULTILINE))
    assert used
    assert used <= set(COMMANDS)
