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
