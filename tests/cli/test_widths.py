import json

import keras
import pytest
from keras import layers

from fm_keras.scaling import conservation_table
from fm_keras_cli.widths import Budget


def test_a_run_is_compared_with_the_law_in_the_columns_of_the_library(command, runs_dir):
    model = keras.saving.load_model(runs_dir / "small" / "train" / "model.keras")

    outcome = command("widths", "small", "--runs-dir", runs_dir, "--json")

    found = json.loads(outcome.out)
    assert found["layers"] == conservation_table(model).to_dict("records")
    assert found["parameters"] == model.count_params()
    assert "proposal" not in found


def test_the_law_is_said_in_words_below_the_table(command):
    outcome = command("widths", "lenet5")

    assert [line.split() for line in outcome.out.splitlines()[:3]] == [
        ["layer", "size", "filters", "product", "deviation"],
        ["conv1", "28", "x", "28", "6", "168", "+2.4%"],
        ["conv2", "10", "x", "10", "16", "160", "-2.4%"],
    ]
    assert "lenet5 is 2.4% off the law (root mean square), conv1 most: +2.4% from 164" in outcome.out
    assert outcome.err.splitlines()[-1] == "  fm-keras widths lenet5 --macs 100%"


def test_a_network_that_keeps_the_law_is_said_to(command):
    assert "vgg11 keeps the law: 96.0 in every convolution" in command("widths", "vgg11", "--width", 3).out


def test_the_proposal_comes_with_the_command_that_trains_it_on_the_images_of_the_run(command, runs_dir, tmp_path):
    words = ("widths", "small", "--runs-dir", runs_dir, "--params", "150%")
    found = json.loads(command(*words, "--json").out)

    proposal = found["proposal"]
    assert found["parameters"] < proposal["parameters"] <= 1.5 * found["parameters"]
    assert command(*words).err.splitlines()[-1].strip() == proposal["command"]
    assert proposal["command"].startswith("fm-keras run --dataset digits --model lenet5 --width ")

    _, *run = proposal["command"].split()
    limits = ("--limit", "50", "--epochs", "1", "--probe-epochs", "1", "--runs-dir", tmp_path, "--name", "new")
    assert command(*run, *limits, "--quiet").code == 0
    shown = json.loads(command("widths", "new", "--runs-dir", tmp_path, "--json").out)
    assert [row["filters"] for row in shown["layers"]] == [row["filters"] for row in proposal["layers"]]
    assert shown["parameters"] == proposal["parameters"]


def test_settings_of_the_network_are_in_the_command(command):
    options = ("--width", 2, "--head", "three", "--dense-widths", 9, 8, "--no-batch-norm")
    found = json.loads(command("widths", "vgg6", *options, "--macs", "50k", "--json").out)

    widths = ",".join(str(row["filters"]) for row in found["proposal"]["layers"])
    assert found["proposal"]["command"] == (
        f"fm-keras run --model vgg6 --block-widths {widths} --no-batch-norm --head three --dense-widths 9 8"
    )


def test_a_file_gets_widths_and_a_picture_and_no_command(command, tmp_path):
    path = tmp_path / "own.keras"
    conv = layers.Conv2D(4, 3, name="a"), layers.MaxPooling2D(), layers.Conv2D(4, 3, name="b")
    keras.Sequential([keras.Input((12, 12, 3)), *conv, layers.Flatten(), layers.Dense(3)]).save(path)

    outcome = command("widths", path, "--macs", "100%", "-o", tmp_path / "law.png")

    assert outcome.code == 0
    assert "By the law: MACs " in outcome.out
    assert "Train it" not in outcome.err
    assert (tmp_path / "law.png").stat().st_size > 5000


def test_what_cannot_be_is_one_line(command, runs_dir, tmp_path):
    both = command("widths", "vgg6", "--macs", "1M", "--params", "1M")
    small = command("widths", "vgg6", "--macs", "100")
    other = command("widths", "small", "--runs-dir", runs_dir, "--width", 3)
    nothing = command("widths", "none", "--runs-dir", tmp_path)

    assert (both.code, small.code, other.code, nothing.code) == (2, 1, 1, 1)
    assert both.err.splitlines()[-1] == "Error: Give one budget: --macs or --params."
    assert small.err.startswith("Error: A budget of 100 MACs is too small: ")
    assert other.err == "Error: --width: goes with a network of `fm-keras models`; small has its own.\n"
    assert nothing.err.startswith("Error: There is no run 'none'.")


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("20M", (20e6, False)),
        ("1.5G", (1.5e9, False)),
        ("300k", (300e3, False)),
        ("12,345", (12345, False)),
        ("50%", (0.5, True)),
        ("150%", (1.5, True)),
        ("0.25", (0.25, True)),
    ],
)
def test_a_budget_is_a_number_or_a_share(text, budget):
    assert Budget().convert(text, None, None) == pytest.approx(budget)


@pytest.mark.parametrize("text", ["", "M", "20X", "-3", "0", "nan", "inf", "5%M"])
def test_what_is_no_budget_is_refused(command, text):
    assert "is neither a number such as 20M nor a share such as 50%" in command("widths", "vgg6", "--macs", text).err
