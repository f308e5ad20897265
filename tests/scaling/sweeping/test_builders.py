import subprocess
import sys
from functools import partial
from textwrap import dedent

import pytest

from fm_keras.scaling.sweeping.builders import load_function, reference, source_hash


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "nets.py"
    file.write_text("def net(width):\n    return width + 1\n")
    return file


def test_a_function_is_found_by_file_or_module(script, monkeypatch):
    monkeypatch.syspath_prepend(script.parent)
    assert load_function(f"{script}:net")(2) == 3
    assert load_function("nets:net")(2) == 3


def test_the_reference_of_an_imported_function_leads_back_to_it(script, monkeypatch):
    monkeypatch.syspath_prepend(script.parent)
    net = load_function("nets:net")
    assert reference(net) == "nets:net"
    assert load_function(reference(net)) is net


def test_a_function_of_a_script_is_named_by_its_file(tmp_path):
    program = """
        from fm_keras.scaling.sweeping.builders import reference
        def net(width): ...
        print(reference(net))
        """
    script = tmp_path / "run.py"
    script.write_text(dedent(program))

    done = subprocess.run([sys.executable, script], capture_output=True, text=True)

    assert done.stdout == f"{script}:net\n"


def test_another_text_is_another_function(script):
    first = source_hash(f"{script}:net")
    script.with_name("other.py").write_text("def net(width):\n    return width + 2\n")
    assert source_hash(f"{script}:net") == first
    assert source_hash(f"{script.with_name('other.py')}:net") != first


HELPED = """
from math import prod
TIMES = 2
def helper(width): return width * TIMES
def net(width): return helper(width)
if __name__ == "__main__":
    print(net(3))
"""


@pytest.mark.parametrize("by_module", [False, True])
@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("TIMES = 2", "TIMES = 3", False),
        ("width * TIMES", "width + TIMES", False),
        ("import prod", "import gcd as prod", False),
        # Workers import the file: what only the script does is not theirs.
        ("print(net(3))", "print(net(4))\n    print(net(5))", True),
    ],
)
def test_the_whole_file_counts_but_for_what_only_a_script_runs(tmp_path, monkeypatch, by_module, old, new, same):
    monkeypatch.syspath_prepend(tmp_path)
    hashes = []
    for name, text in (("first", HELPED), ("second", HELPED.replace(old, new))):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(text)
        hashes.append(source_hash(f"{name}:net" if by_module else f"{tmp_path / name}.py:net"))

    assert (hashes[0] == hashes[1]) == same


def test_the_file_that_a_function_comes_from_counts_too(script, monkeypatch):
    monkeypatch.syspath_prepend(script.parent)
    door = script.with_name("door.py")
    door.write_text("from nets import net\n")
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    first = source_hash(f"{door}:net")

    script.write_text("STEP = 2\ndef net(width):\n    return width + STEP\n")
    assert source_hash(f"{door}:net") != first


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("net", "module:function or file.py:function"),
        ("nowhere.py:net", "There is no file nowhere.py."),
        ("no_such_module_here:net", "Module no_such_module_here cannot be imported"),
        ("math:no_such", "math has no function 'no_such'"),
    ],
)
def test_a_wrong_name_is_one_line(message_of, named, why):
    assert why in message_of(load_function, named)


def test_what_another_process_cannot_import_is_refused(message_of):
    def inside(width): ...

    for function in (inside, lambda width: width, partial(inside, 2)):
        assert "cannot be imported by another process" in message_of(reference, function)
