import math

import keras
import pandas as pd
import pytest

from fm_keras.complexity import measure_complexity, measure_course
from fm_keras.errors import InvalidInput
from fm_keras.settings import ComplexitySettings

SETTINGS = ComplexitySettings(measures=("n3", "f1"), sample=30)


@pytest.fixture(scope="module")
def other(model):
    """The same network with other weights."""
    twin = keras.models.clone_model(model)
    twin.set_weights([weight[::-1] for weight in model.get_weights()])
    return twin


@pytest.fixture
def files(model, other, tmp_path):
    for number, network in ((10, other), (2, model)):
        network.save(tmp_path / f"net.{number:02d}-0.5.keras")
    return tmp_path.glob("*.keras")


def test_each_network_has_the_rows_of_its_own_table(model, other, dataset):
    table = measure_course({"one": model, "two": other}, dataset, settings=SETTINGS)

    for name, network in (("one", model), ("two", other)):
        found = table[table["model"] == name].drop(columns=["model", "epoch"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(found, measure_complexity(network, dataset, settings=SETTINGS))
    assert table["epoch"].isna().all()


def test_files_are_measured_in_the_order_of_their_epochs(files, model, dataset):
    table = measure_course(files, dataset, settings=SETTINGS, layers="hidden")

    assert table["epoch"].tolist() == [2, 10]
    assert table["model"].tolist() == ["net.02-0.5", "net.10-0.5"]
    expected = measure_complexity(model, dataset, settings=SETTINGS, layers="hidden")
    assert table["n3"][0] == expected["n3"][0]


def test_the_images_are_measured_alike_for_all_networks(model, other, dataset):
    table = measure_course({"1": model, "2": other}, dataset, settings=SETTINGS, layers=["input"])

    assert table["layer"].tolist() == ["input", "input"]
    assert table["n3"].nunique() == 1


def test_progress_counts_all_networks_and_names_the_one_at_work(model, other, dataset):
    steps = []
    measure_course({"a": model, "b": other}, dataset, settings=SETTINGS, progress=steps.append)

    assert steps[-1].done == steps[-1].total
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert list(dict.fromkeys(step.note for step in steps)) == ["a", "b"]


def test_one_output_of_each_network_is_followed_on_prepared_images(model, dataset):
    x = keras.layers.Dense(4, name="side")(model.get_layer("hidden").output)
    heads = keras.Model(model.inputs, {"main": model.outputs[0], "side": keras.layers.Dense(2)(x)})
    how = {"settings": SETTINGS, "preprocess": lambda images: images * 2}

    found = measure_course({"heads": heads}, dataset, output="main", **how)

    pd.testing.assert_frame_equal(found, measure_course({"heads": model}, dataset, **how))


def test_no_network_is_refused(dataset):
    with pytest.raises(InvalidInput, match="There is no network to measure"):
        measure_course([], dataset)


def test_a_name_may_hold_a_path(files, dataset):
    first = sorted(files)[0]
    table = measure_course({"start": first}, dataset, settings=SETTINGS, layers=["hidden"])
    assert (table["model"].tolist(), math.isnan(table["epoch"][0])) == (["start"], True)
