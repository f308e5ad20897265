"""What a worker computes, on digits with tiny networks; the worker itself is not needed for most of it."""

import os
import signal

import numpy as np
import pytest

from fm_keras import sweep
from fm_keras.data import load_dataset
from fm_keras.errors import BadActivations, CannotCut
from fm_keras.progress import silent
from fm_keras.scaling import plan_sweep, read_table
from fm_keras.scaling.sweeping.task import Task, build_network, run_task, trial_images
from fm_keras.scaling.sweeping.trials import list_trials
from fm_keras.settings import ComplexitySettings, DataSettings, ProbeSettings, SweepSettings, TrainSettings

DATA = DataSettings(limit=60)
TRAIN = TrainSettings(epochs=2, precision="float32")


@pytest.fixture
def task_of():
    """Task of the first trial of some axes."""

    def task(*, train=TRAIN, function=None, build=None, content=None, measure=(), **axes):
        images = load_dataset("digits", limit=DATA.limit)
        settings = SweepSettings(**{"widths": (2,), **axes})
        trial, *_ = list_trials(settings, images, function=function)
        probe, complexity = ProbeSettings(epochs=1), ComplexitySettings(measures=("n3",))
        more = {"probe": probe, "complexity": complexity, "measure": measure, "build": build}
        return Task(trial=trial, data=DATA, content=content or images.content_hash, train=train, **more)

    return task


@pytest.fixture
def found_by(tmp_path):
    return lambda task: run_task(task, checkpoints=tmp_path / "checkpoints", progress=silent)


def test_a_task_crosses_to_another_process_as_json(task_of):
    task = task_of(measure=("filters",), label_counts=(3,))
    assert Task.model_validate_json(task.model_dump_json()) == task


def test_a_trial_killed_in_training_goes_on_and_brings_the_row_of_one_that_was_not(task_of, found_by, tmp_path):
    train = TRAIN.changed(epochs=3)
    expected = found_by(task_of(train=train))["row"]
    processes, told = tmp_path / "processes", []

    def kill(event):
        told.append(event)
        later = event.kind == "step" and event.step.note and not event.step.note.startswith("1/3")
        if later and len(list(processes.iterdir())) == 1:
            (number,) = processes.iterdir()
            os.kill(int(number.name), signal.SIGKILL)

    file = tmp_path / "net.py"
    file.write_text(NUMBERED.format(home=str(processes)))
    settings = SweepSettings(widths=(2,), workers=1)
    rows = sweep(DATA, to=tmp_path / "to", settings=settings, train=train, build=f"{file}:lenet", progress=kill)

    lost = [event.kind for event in told].index("lost")
    again = [event.step for event in told[lost:] if event.kind == "step" and event.step.stage == "train"]
    assert all(step.done > step.total / 3 for step in again)
    assert len(list(processes.iterdir())) == 2
    names = ["epochs", "error", "train_error"]
    assert rows.loc[0, ["status", *names]].tolist() == ["done", *(expected[name] for name in names)]
    assert rows.loc[0, "loss"] == pytest.approx(expected["loss"], rel=1e-5)


# The same network as `build_model`, by a function that leaves the number of its process.
NUMBERED = """
import os
from pathlib import Path

from fm_keras.models import ModelSpec, build_model


def lenet(width):
    Path({home!r}).mkdir(exist_ok=True)
    (Path({home!r}) / str(os.getpid())).touch()
    return build_model(ModelSpec(name="lenet", width=width, image_shape=(8, 8, 1)))
"""


def test_filters_and_complexity_come_with_the_tables_of_the_layers(task_of, found_by):
    found = found_by(task_of(measure=("filters", "complexity")))

    assert [row["layer"] for row in found["layers"]] == ["conv1", "conv2", "fc1", "fc2"]
    assert found["complexity"][0]["layer"] == "input"
    last = found["layers"][1]
    assert found["row"]["probe_accuracy"] == last["accuracy"]
    assert found["row"]["noise"] == last["noise"]


def test_the_row_holds_what_the_network_costs_and_its_errors_as_shares(task_of, found_by):
    found = found_by(task_of())
    row = found["row"]
    plan = plan_sweep(DATA, settings=SweepSettings(widths=(2,)), train=TRAIN)

    assert set(found) == {"row"}
    assert (row["parameters"], row["macs"]) == tuple(plan.loc[0, ["parameters", "macs"]])
    assert 0 <= row["error"] <= 1
    assert 0 <= row["train_error"] <= 1
    assert row["epochs"] == 2


def test_the_images_of_a_trial_have_its_labels_and_as_many_of_each(task_of):
    dataset = trial_images(task_of(label_counts=(3,), samples=(6,)), silent)

    assert dataset.labels == 3
    assert np.bincount(dataset.train.labels).tolist() == [2, 2, 2]
    assert len(dataset.test) == 18


def test_images_for_fewer_samples_are_among_those_for_more(task_of):
    few, more = (trial_images(task_of(samples=(count,)), silent).train.images for count in (20, 40))
    more = {image.tobytes() for image in more}
    assert all(image.tobytes() in more for image in few)


def test_the_seed_decides_the_weights(task_of):
    def first_weights(seed):
        trial = task_of(seeds=(seed,)).trial
        return build_network(trial, (8, 8, 1), "quick", None).get_weights()[0]

    np.testing.assert_array_equal(first_weights(1), first_weights(1))
    assert not np.array_equal(first_weights(1), first_weights(2))


def test_other_images_than_those_of_the_sweep_are_refused(task_of, message_of):
    assert "holds other images here" in message_of(trial_images, task_of(content="another"), silent)


def test_a_training_that_diverges_brings_no_row(task_of, found_by, tmp_path):
    file = tmp_path / "net.py"
    file.write_text(DIVERGED)

    with pytest.raises(BadActivations, match="The training diverged: the loss is nan"):
        found_by(task_of(function="lenet", build=f"{file}:lenet"))


DIVERGED = """
from fm_keras.models import ModelSpec, build_model


def lenet(width):
    model = build_model(ModelSpec(name="lenet", width=width, image_shape=(8, 8, 1)))
    model.set_weights([weight * float("nan") for weight in model.get_weights()])
    return model
"""


def test_a_function_must_return_a_model(task_of, tmp_path, message_of):
    file = tmp_path / "net.py"
    file.write_text("def net(width):\n    return 'none'\n")
    task = task_of(function="net", build=f"{file}:net")

    assert f"{file}:net returned str for width 2" in message_of(
        build_network, task.trial, (8, 8, 1), "quick", task.build
    )


MINE = """
import keras
from keras import layers


class Sub(keras.Model):
    def __init__(self, width, *, loose=False):
        super().__init__()
        self.parts = [layers.Conv2D(width, 3, activation="relu"), layers.Flatten(), layers.Dense(10)]
        if loose:
            self.factor = self.add_weight(shape=(10,))

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x * self.factor if hasattr(self, "factor") else x


class Mixing(layers.Layer):
    def build(self, shape):
        self.matrix = self.add_weight(shape=(shape[-1], 3))

    def call(self, x):
        return keras.ops.matmul(x, self.matrix)


def subclassed(width):
    return Sub(width)


def loose(width):
    return Sub(width, loose=True)


def unbuilt(width):
    return keras.Sequential([layers.Conv2D(width, 3), layers.Flatten(), layers.Dense(10)])


def any_size(width):
    image = keras.Input((None, None, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(width, 3, activation="relu")(image))
    return keras.Model(image, layers.Dense(10)(x))


def hiding(width):
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), Mixing(), layers.Dense(10)])


def picky(width):
    if width == 3:
        raise ValueError("no net of width 3")
    return any_size(width)
"""


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    return file


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("subclassed", 36 * 9 * 2 + 72 * 10),
        ("unbuilt", 36 * 9 * 2 + 72 * 10),
        ("any_size", 36 * 9 * 2 + 2 * 10),
    ],
)
def test_any_function_of_the_width_is_trained_counted_and_measured(task_of, found_by, mine, name, macs):
    found = found_by(task_of(function=name, build=f"{mine}:{name}", measure=("filters",)))

    assert found["row"]["macs"] == macs
    assert 0 <= found["row"]["error"] <= 1
    assert len(found["layers"]) >= 1


def test_what_cannot_be_counted_is_left_empty(task_of, found_by, mine):
    row = found_by(task_of(function="hiding", build=f"{mine}:hiding"))["row"]

    assert row["macs"] is None
    assert row["parameters"] == 64 * 3 + 3 * 10 + 10
    assert row["error"] >= 0


def test_a_model_that_cannot_be_cut_is_tested_all_the_same(task_of, found_by, mine, monkeypatch):
    def analyze(*_, **__):
        raise CannotCut("it has no layer with units")

    monkeypatch.setattr("fm_keras.analysis.analyze", analyze)
    found = found_by(task_of(measure=("filters",)))

    assert set(found) == {"row"}
    assert found["row"]["reason"] == "Not measured: it has no layer with units"
    assert found["row"]["error"] >= 0


def test_weights_that_training_would_miss_are_refused(task_of, mine, message_of):
    task = task_of(function="loose", build=f"{mine}:loose")

    assert message_of(build_network, task.trial, (8, 8, 1), "quick", task.build) == (
        "The model has weights outside its layers: put them into a keras.layers.Layer."
    )


def test_a_plan_says_which_network_cannot_be_built_and_what_is_not_known(mine):
    def plan(name):
        return plan_sweep(DATA, settings=SweepSettings(widths=(2, 3, 4)), train=TRAIN, build=f"{mine}:{name}")

    picky, hiding = plan("picky"), plan("hiding")

    assert picky["reason"].tolist() == ["", "ValueError: no net of width 3", ""]
    assert picky["macs"].isna().tolist() == [False, True, False]
    assert hiding["training_macs"].isna().all()
    assert hiding["parameters"].tolist() == [64 * 3 + 3 * 10 + 10] * 3


def test_a_plan_of_a_function_that_is_not_there_is_refused(mine, message_of):
    settings = SweepSettings(widths=(2,))
    assert "has no function 'nothing'" in message_of(
        lambda: plan_sweep(DATA, settings=settings, build=f"{mine}:nothing")
    )


def test_a_plan_lists_costs_and_what_is_done(run_sweep, to):
    run_sweep(widths=(2,))

    plan = plan_sweep(DataSettings(limit=100), to=to, settings=SweepSettings(widths=(2, 4)), train=TRAIN)

    assert plan["status"].tolist() == ["done", ""]
    assert plan["macs"].is_monotonic_increasing
    assert (plan["training_macs"] == 3 * plan["macs"] * 100 * 2).all()
    assert not read_table(to, "trials").empty
