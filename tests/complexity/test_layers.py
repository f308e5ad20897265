import keras
import numpy as np
import pandas as pd
import pytest

from fm_keras.complexity import MEASURES, measure_complexity, measure_points, plan_complexity
from fm_keras.data import Dataset, Split
from fm_keras.settings import ComplexitySettings
from fm_keras.slicing import slice_model


def test_every_row_holds_the_measures_of_the_activations_at_its_cut(model, dataset):
    table = measure_complexity(model, dataset, measures=list(MEASURES))

    assert table["layer"].tolist() == ["input", "conv", "hidden"]
    assert table["positions"].tolist() == ["-", "2 x 2", "-"]
    assert (table["units"].tolist(), table["width"].tolist()) == ([0, 4, 5], [36, 16, 5])
    split = dataset.test
    points = [
        split.images,
        *(slice_model(model, layer).predict(split.images, verbose=0) for layer in ("conv", "hidden")),
    ]
    for row, each in zip(table.to_dict("records"), points):
        expected = measure_points(each, split.labels, list(MEASURES)).values
        assert [row[name] for name in MEASURES] == pytest.approx([expected[name] for name in MEASURES], rel=1e-4)
        assert row["n1_low"] <= row["n1"] <= row["n1_high"]
        assert row["failed"] == ""


def test_layers_in_groups_of_their_own_are_measured_alike(model, dataset):
    whole = measure_complexity(model, dataset)
    little = ComplexitySettings(memory_limit=1e-9, batch_size=7)

    assert plan_complexity(model, dataset, settings=little)["group"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(
        measure_complexity(model, dataset, settings=little)[["n1", "n2", "n3"]], whole[["n1", "n2", "n3"]], rtol=1e-5
    )


def test_the_mean_over_positions_is_a_unit_s_only_coordinate_where_it_is_asked_for(model, dataset):
    table = measure_complexity(model, dataset, layers=["conv"], settings=ComplexitySettings(pool="mean"))

    maps = slice_model(model, "conv").predict(dataset.test.images, verbose=0)
    assert table["width"].tolist() == [4]
    assert table["n3"][0] == measure_points(maps.mean(axis=(1, 2)), dataset.test.labels, ["n3"]).values["n3"]


def test_a_sample_is_balanced_seeded_and_the_same_for_all_layers(model, dataset):
    settings = ComplexitySettings(split="train", seed=3)

    one = measure_complexity(model, dataset, sample=30, settings=settings)

    assert one["points"].tolist() == [30, 30, 30]
    assert one.equals(measure_complexity(model, dataset, sample=30, settings=settings))
    other = measure_complexity(model, dataset, sample=30, settings=settings.changed(seed=4))
    assert not one["n2"].equals(other["n2"])


def test_the_images_alone_need_no_model(dataset):
    table = measure_complexity(None, dataset)

    assert table["layer"].tolist() == ["input"]
    expected = measure_points(dataset.test.images, dataset.test.labels, ["n1", "n2", "n3"])
    assert {name: table[name][0] for name in ("n1", "n2", "n3")} == expected.values


def test_several_inputs_stand_side_by_side(dataset):
    def both(split):
        return Split({"a": split.images, "b": 0 * split.images}, split.labels)

    twice = Dataset("two", both(dataset.train), both(dataset.test), dataset.label_names)
    table = measure_complexity(None, twice)
    assert table["width"].tolist() == [72]
    assert table["n1"][0] == measure_complexity(None, dataset)["n1"][0]


def test_a_measure_without_an_answer_says_why_and_the_rest_are_there(model, dataset):
    dead = keras.models.clone_model(model)
    dead.set_weights([0 * weights for weights in model.get_weights()])

    table = measure_complexity(dead, dataset, layers=["hidden"], measures=["n1", "n2", "n3"])

    assert np.isnan(table["n2"][0]) and table["n3"][0] > 0.5
    assert table["failed"][0].startswith("n2 is zero by zero")


def test_the_model_and_its_images_are_left_as_they_were(model, dataset):
    before = [weights.copy() for weights in model.get_weights()]

    measure_complexity(model, dataset, preprocess=lambda images: images * 2)

    for one, other in zip(before, model.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_progress_ends_when_all_is_done(model, dataset):
    steps = []
    measure_complexity(model, dataset, settings=ComplexitySettings(batch_size=25), progress=steps.append)

    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    assert steps[0].total == 3 + 3


def test_diverged_weights_are_named_with_their_layer(model, dataset, message_of):
    broken = keras.models.clone_model(model)
    broken.set_weights([np.full_like(weights, 3e38) for weights in model.get_weights()])

    said = message_of(lambda: measure_complexity(broken, dataset, layers=["conv"]))

    assert said.startswith("Layer 'conv' puts out NaN or infinite values for ")
    assert said.endswith(" of 60 images. Look for diverged weights: a smaller learning rate may do.")


def test_of_several_outputs_the_layers_of_one_are_measured(model, dataset):
    hidden = model.get_layer("hidden").output
    other = keras.layers.Dense(4, name="other")(hidden)
    heads = keras.Model(model.inputs, [keras.layers.Dense(3)(other), keras.layers.Dense(3, name="side")(hidden)])

    assert measure_complexity(heads, dataset)["layer"].tolist() == ["input", "conv", "hidden", "other"]
    found = measure_complexity(heads, dataset, output="side", measures=["f1"])
    pd.testing.assert_frame_equal(found, measure_complexity(model, dataset, measures=["f1"]))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"layers": ["conv9"]}, "has no layer 'conv9'. It can be cut at: conv, hidden."),
        ({"measures": ["n9"]}, "There is no measure 'n9'. Measures: n1, "),
        ({"sample": 2}, "2 images cannot hold 3 labels. Take 3 or more."),
    ],
)
def test_what_cannot_be_measured_is_one_line(model, dataset, how, said, message_of):
    assert said in message_of(lambda: measure_complexity(model, dataset, **how))


def test_without_a_model_there_are_no_layers(dataset, message_of):
    said = message_of(lambda: measure_complexity(None, dataset, layers=["conv"]))
    assert said == "Without a model there is the layer 'input' alone; received conv."


def test_a_plan_says_groups_memory_and_how_the_tree_is_found(model, dataset):
    plan = plan_complexity(model, dataset)

    assert plan["layer"].tolist() == ["input", "conv", "hidden"]
    assert plan["memory"].tolist() == [0, 4 * 60 * 21, 4 * 60 * 21]
    assert plan["method"].tolist() == ["prim"] * 3
    assert plan["fits"].tolist() == [True] * 3


def test_a_plan_is_that_of_the_measures_that_are_asked_for(model, dataset):
    def planned(*measures, memory_limit=2.0):
        settings = ComplexitySettings(measures=measures, memory_limit=memory_limit)
        return plan_complexity(model, dataset, settings=settings)

    assert planned("t1", "f1")["method"].tolist() == ["-"] * 3
    assert planned("n3", "n1")["method"].tolist() == ["prim"] * 3
    assert planned("linear_error")["measure_memory"].tolist() == [16 * 60 * (width + width) for width in (36, 16, 5)]
    most = planned("linear_error", "t1")["measure_memory"]
    assert (most == planned("t1")["measure_memory"]).all() and (most > 20**2).all()
    assert planned("linear_error", memory_limit=50e-6)["fits"].tolist() == [False, True, True]
    assert planned("linear_error", memory_limit=4e-6)["fits"].tolist() == [False, False, False]
