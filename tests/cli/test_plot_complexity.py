import pandas as pd
import pytest

from fm_keras.records import DataRecord
from fm_keras.scaling.sweeping.folder import SweepFolder, SweepRecord


@pytest.fixture
def sweep(tmp_path):
    """Two widths, each with and without BatchNorm, complexity measured."""
    folder = SweepFolder(tmp_path / "sweep")
    data = DataRecord(name="digits", train=100, test=50, hash="d0")
    folder.path.mkdir()
    SweepRecord(settings={}, data=data).write(folder.record)
    trials = pd.DataFrame({"trial": list("abcd"), "model": "lenet", "width": [4, 4, 8, 8]})
    trials = trials.assign(batch_norm=[True, False] * 2, samples=100, labels=10, ratio=None, status="done", reason="")
    trials.to_csv(folder.table("trials"), index=False)
    rows = [{"trial": trial, "layer": layer, "width": 9, "points": 50} for trial in "abcd" for layer in ("input", "fc")]
    pd.DataFrame(rows).assign(n3=0.5, failed="").to_csv(folder.table("complexity"), index=False)
    return folder.path


def test_the_complexity_of_a_run_is_drawn_once_it_was_measured(command, runs_dir, tmp_path):
    words = ("plot", "small", "complexity", "--runs-dir", runs_dir, "-o", tmp_path / "new.png")
    (runs_dir / "small" / "complexity").exists() or command("complexity", "small", "--runs-dir", runs_dir)

    outcome = command(*words)

    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("digits: how hard the classes are to tell apart, layer by layer\n")
    assert (tmp_path / "new.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ((), "by width of the network"),
        (("--over", "width"), "by width of the network"),
        (("--over", "batch_norm"), "layer by layer"),
    ],
)
def test_the_complexity_of_a_sweep_is_drawn_against_what_its_networks_differ_in(words, title, command, sweep, tmp_path):
    outcome = command("plot", sweep, "complexity", *words, "-o", tmp_path / "picture.svg")

    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"digits: how hard the classes are to tell apart, {title}\n")


def test_what_cannot_be_drawn_is_named(command, sweep, runs_dir):
    outcome = command("plot", sweep, "complexity", "--over", "samples")
    assert (outcome.code, "do not differ in 'samples'. They do in: width, batch_norm." in outcome.err) == (1, True)
    outcome = command("plot", "small", "complexity", "--over", "width", "--runs-dir", runs_dir)
    assert (outcome.code, "--over is for the folder of a sweep" in outcome.err) == (1, True)
    (sweep / "complexity.csv").unlink()
    outcome = command("plot", sweep, "complexity")
    assert (outcome.code, "fm-keras sweep ... --measure complexity" in outcome.err) == (1, True)


def test_a_run_without_complexity_says_the_command(command, runs_dir, tmp_path):
    import shutil

    shutil.copytree(runs_dir / "small", tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "complexity", ignore_errors=True)

    outcome = command("plot", tmp_path / "bare", "complexity")

    assert outcome.code == 1
    assert "has no complexity yet. Measure it: fm-keras complexity bare --runs-dir" in outcome.err.replace("\n", " ")
