import subprocess
import sys

import click
import pytest

from fm_keras.errors import Interrupted, InvalidInput
from fm_keras_cli import main as door
from fm_keras_cli.main import COMMANDS, cli, main

HELP = """\
Usage: fm-keras [OPTIONS] COMMAND [ARGS]...

  Read what every single filter of a network says about the labels.

  Start with:  fm-keras run

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
  run         Train a network, cut it at every layer, measure every filter.
  train       Train a network and keep it in a run.
  analyze     Measure every filter of MODEL: a .keras file, or the network of a run.
  quality     Say what each filter of MODEL is worth: a .keras file, or the network of a run.
  heads       Say which labels each attention head of MODEL holds: a .keras file or a run.
  prune       Make MODEL smaller and faster: a .keras file, or the network of a run.
  complexity  Say how hard the classes are to tell apart after each layer of MODEL.
  sweep       Say how much a wider network would gain: train many, fit laws.
  labels      Say how error, clusters and SNR of a network go with the number of labels.
  show        Show what was measured: layers, filters, one filter's matrix.
  report      Write one web page: layers, filters, every matrix.
  plot        Draw one figure of RUN as a picture.
  compare     Compare runs, seeds or checkpoints of the same architecture with the first of them.
  stability   Say how sure what was measured is: other thresholds, other images.
  export      Export MODEL for TensorFlow Serving: a run, or a .keras file with its analysis.
  serve       Host the models of a folder over REST and gRPC, as TensorFlow Serving does.
  query       Ask a served model what its filters are worth.
  layers      List where MODEL can be cut: a .keras file, or a run.
  widths      Say how far MODEL is from the conservation law, and which widths keep it.
  datasets    List where images can come from.
  models      List the networks that can be trained.
  doctor      Check this machine: versions, device, folders.
"""


def test_help_lists_every_command(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    assert command("--help").out == HELP


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_of_a_command_is_its_own_first_sentence(name):
    own = cli.get_command(click.Context(cli), name).get_short_help_str(limit=200)

    assert own == COMMANDS[name]


def test_help_waits_for_no_slow_import():
    program = (
        "import sys; from fm_keras_cli.main import main; main(['--help']);"
        "print(sorted({'keras', 'numpy', 'pandas', 'pydantic', 'rich', 'tensorflow'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def _ending_in(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(door.Door, "get_command", lambda *_: click.Command("run", callback=fail))


def test_an_error_of_ours_is_one_line_and_exit_code_1(command, monkeypatch):
    _ending_in(monkeypatch, InvalidInput("Width 0 is too small; take 1."))

    outcome = command("run")

    assert (outcome.code, outcome.out, outcome.err) == (1, "", "Error: Width 0 is too small; take 1.\n")


def test_an_interruption_says_what_is_kept_and_is_exit_code_130(command, monkeypatch):
    _ending_in(monkeypatch, Interrupted("Stopped in epoch 2; epoch 1 is kept."))

    outcome = command("run")

    assert (outcome.code, outcome.err) == (130, "\nStopped in epoch 2; epoch 1 is kept.\n")


def test_ctrl_c_anywhere_is_exit_code_130(command, monkeypatch):
    _ending_in(monkeypatch, KeyboardInterrupt())

    outcome = command("run")

    assert outcome.code == 130
    assert outcome.err.strip() == "Stopped. What is finished is kept; the same command goes on from there."


def test_a_bug_keeps_its_traceback(monkeypatch):
    _ending_in(monkeypatch, ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError):
        main(["run"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "No such command 'nonsense'."),
        (["run", "--epochs", "0"], "Invalid value for '--epochs': 0 is not in the range x>=1."),
        (["run", "--nonsense"], "No such option '--nonsense'."),
        (["run", "--threshold", "1"], "Invalid value for '--threshold': 1.0 is not in the range 0<x<1."),
        (["show", "--filter", "3"], "--filter needs --layer."),
        (["analyze", "m.keras"], "Say on which images MODEL is measured: --dataset.  `fm-keras datasets` lists them."),
    ],
)
def test_wrong_usage_is_exit_code_2(command, words, said):
    outcome = command(*words)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith(f"Error: {said.rstrip('.')}")
