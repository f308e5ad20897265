import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from fm_keras.errors import BadRun
from fm_keras.serving.saved.version_folder import versions, write_next_version

KILLED = """
import sys, time
from pathlib import Path
from fm_keras.serving.saved.version_folder import write_next_version

def write(folder):
    (folder / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(60)

write_next_version(Path(sys.argv[1]), write)
"""


def writes(content):
    return lambda folder: (folder / "file").write_text(content)


def shown(base):
    """What a server looks at."""
    return sorted(path.name for path in base.iterdir() if not path.name.startswith("."))


def test_a_version_gets_the_number_after_the_largest(tmp_path):
    base = tmp_path / "model"
    (base / "7").mkdir(parents=True)
    (base / "notes").mkdir()

    first, second = write_next_version(base, writes("a")), write_next_version(base, writes("b"))

    assert (first, second) == (base / "8", base / "9")
    assert (first / "file").read_text() == "a"
    assert versions(base) == [7, 8, 9]


def test_nothing_is_seen_of_a_version_that_is_being_written(tmp_path):
    seen = []

    write_next_version(tmp_path, lambda folder: seen.append((shown(tmp_path), folder.parent)))

    assert seen == [([], tmp_path)]  # beside its place, so on the same file system


def test_a_version_that_fails_leaves_nothing(tmp_path):
    def write(folder):
        (folder / "half").write_text("half")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_next_version(tmp_path, write)

    assert list(tmp_path.glob(".partial*")) == [] and shown(tmp_path) == []


def test_versions_written_at_once_get_numbers_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: write_next_version(tmp_path, writes(str(number))), range(8)))

    assert sorted(int(path.name) for path in made) == list(range(1, 9))
    assert [(path / "file").read_text() for path in made] == list("01234567")


def test_a_process_that_is_killed_leaves_no_version_and_the_next_one_cleans_up(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert versions(tmp_path) == [] and shown(tmp_path) == []
    assert [path.name for path in tmp_path.glob(".partial-*/*")] == ["half"]

    assert write_next_version(tmp_path, writes("whole")) == tmp_path / "1"

    assert list(tmp_path.glob(".partial-*")) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, message_of):
    (tmp_path / "file").write_text("")

    message = message_of(write_next_version, tmp_path / "file" / "model", writes(""))

    assert str(tmp_path) in message
    with pytest.raises(BadRun):
        write_next_version(tmp_path / "file" / "model", writes(""))
