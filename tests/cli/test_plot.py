import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from fm_keras.analysis import load_analysis
from fm_keras.runs import ANALYSIS, Run


@pytest.fixture
def probes_alone(runs_dir):
    """The analysis of the run `small` without network fields and quality."""
    analysis = load_analysis(Run.open("small", runs_dir).path / "analysis")
    quality = ["quality", "quality_low", "quality_high"]
    measured = tuple(
        dataclasses.replace(filters, table=filters.table.drop(columns=quality, errors="ignore")) for filters in analysis
    )
    settings = analysis.settings.changed(fields="probe")
    return dataclasses.replace(analysis, measured=measured, settings=settings, network=None)


@pytest.fixture
def both_kinds(probes_alone):
    """The same with the probe fields as network fields, and a made-up quality: later filters are better."""
    measured = []
    for filters in probes_alone:
        quality = np.linspace(-0.01, 0.02, len(filters))
        table = filters.table.assign(quality=quality, quality_low=quality - 0.01, quality_high=quality + 0.01)
        measured.append(dataclasses.replace(filters, table=table))
    settings = probes_alone.settings
    network = dataclasses.replace(probes_alone, measured=tuple(measured), settings=settings.changed(fields="network"))
    return dataclasses.replace(network, settings=settings.changed(fields="both"), network=network)


@pytest.mark.parametrize("what", ["matrix", "filters", "depth", "labels", "clusters", "training"])
def test_each_figure_of_a_run_is_written_and_the_last_line_says_where(what, command, runs_dir, tmp_path):
    outcome = command("plot", "latest", what, "--runs-dir", runs_dir, "-o", tmp_path / "new" / "picture.png")

    assert outcome.code == 0
    assert (tmp_path / "new" / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert "".join(outcome.out.splitlines()[1:]).startswith(f"Picture: {tmp_path}/new/picture.png (")


@pytest.mark.parametrize("what", ["fields", "quality", "quality-depth", "filters"])
def test_figures_of_quality_are_drawn_from_a_folder_too(what, command, both_kinds, tmp_path):
    both_kinds.save(tmp_path / "saved")

    outcome = command("plot", tmp_path / "saved", what, "-o", tmp_path / "picture.svg")

    assert outcome.code == 0
    assert (tmp_path / "picture.svg").exists()


def test_the_picture_is_named_after_run_figure_and_filter(command, runs_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    command("plot", "small", "matrix", "--layer", "conv2", "--filter", 3, "--runs-dir", runs_dir)
    command("plot", "small", "depth", "--runs-dir", runs_dir)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["small-depth.png", "small-matrix-conv2-3.png"]


def test_without_a_filter_the_best_of_the_last_layer_is_drawn(command, both_kinds, tmp_path):
    both_kinds.save(tmp_path / "saved")

    outcome = command("plot", tmp_path / "saved", "matrix", "-o", tmp_path / "picture.png", "--json")

    shown = json.loads(outcome.out)
    assert shown["title"].startswith("fc2, filter 83 of 84: ")
    assert shown["path"] == str(tmp_path / "picture.png")


def test_filters_of_a_label_need_no_further_word(command, runs_dir, tmp_path):
    words = ("plot", "small", "filters", "--layer", "conv2", "--label", "3", "--runs-dir", runs_dir)

    outcome = command(*words, "-o", tmp_path / "picture.png")

    assert "with a cluster that holds 3" in outcome.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("matrix", "--layer", "conv9"), "small has no layer 'conv9'. It has: conv1, conv2, fc1, fc2."),
        (("matrix", "--layer", "conv1", "--filter", "6"), "conv1 has filters 0 to 5; there is no 6."),
        (("depth", "-o", "a.gif"), "a.gif must end in .png, .svg or .pdf."),
        (("filters", "--label", "cat"), "There is no label 'cat'. There are: 0, 1, 2"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_with_what_would_do(words, said, command, runs_dir):
    outcome = command("plot", "small", *words, "--runs-dir", runs_dir)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"Error: {said}")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["quality"], "quality"),
        (["quality-depth"], "quality"),
        (["filters", "--by", "quality"], "quality"),
        (["fields"], "pair of probe and network fields"),
    ],
)
def test_without_network_fields_it_names_the_command_that_measures_them(
    words, missing, command, probes_alone, run, root, tmp_path
):
    probes_alone.save(tmp_path / "saved")
    with run.stage(ANALYSIS, {}, {}) as stage:
        probes_alone.save(stage.path)

    of_run = command("plot", "latest", *words, "--runs-dir", root)
    of_folder = command("plot", tmp_path / "saved", *words)

    measure = f"Measure it: fm-keras analyze {run.name} --runs-dir {root} --fields both"
    assert of_run.err == f"Error: {run.name} has no {missing} yet. {measure}\n"
    measure = f"Measure it: fm-keras analyze MODEL --to {tmp_path}/saved --fields both"
    assert of_folder.err == f"Error: saved has no {missing} yet. {measure}\n"


def test_a_run_without_its_stage_names_the_command_that_makes_it(command, run, root):
    for what, stage in (("training", "train"), ("depth", "analysis")):
        outcome = command("plot", "latest", what, "--runs-dir", root)
        assert outcome.err == f"Error: {run.path} has no stage {stage!r} yet. Make it: fm-keras run digits\n"


def test_an_option_of_another_figure_is_wrong_usage(command, runs_dir):
    outcome = command("plot", "small", "quality", "--filter", 3, "--runs-dir", runs_dir)

    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == "Error: --filter is not for quality, which takes --layer."


def run_python(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_without_matplotlib_it_says_how_to_install_it(runs_dir):
    program = (
        "import sys; sys.modules['matplotlib'] = None; from fm_keras_cli.main import main;"
        f"sys.exit(main(['plot', 'small', 'depth', '--runs-dir', {str(runs_dir)!r}]))"
    )
    done = run_python(program)

    said = 'fm-keras plot needs matplotlib, which is not installed: pip install "fm-keras[report]"'
    assert (done.returncode, done.stderr) == (1, f"Error: {said}\n")


def test_a_picture_is_drawn_without_waiting_for_keras(runs_dir, tmp_path):
    words = ["plot", "small", "depth", "--quiet", "--runs-dir", str(runs_dir), "-o", str(tmp_path / "a.png")]
    program = (
        "import sys; from fm_keras_cli.main import main;"
        f"main({words});"
        "print(sorted({'keras', 'tensorflow', 'jax', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = run_python(program)

    assert done.stdout.splitlines()[-1] == "[]"
