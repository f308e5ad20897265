"""Network fields and quality: means of contributions over the images of each label, whatever the batches."""

from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from fm_keras.data import Dataset, Split, choose_images
from fm_keras.filters import choose_units, filter_fields, removal_cost
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import (
    GatedModel,
    class_means,
    contributions_without,
    cut_points,
    measure_network,
    network_fields,
    network_images,
    plan_network,
    unit_contributions,
)

LAYERS = ["conv1", "conv2", "add", "hidden"]


def mean_by_label(contributions, labels):
    """(U, K, K) from (N, U, K)."""
    return np.stack([contributions[labels == label].mean(axis=0) for label in range(labels.max() + 1)], axis=1)


@pytest.fixture
def measured(network, dataset):
    return measure_network(network, dataset)


class TestLaws:
    @settings(max_examples=5, deadline=None, derandomize=True)
    @given(data=st.data())
    def test_at_the_last_cut_fields_are_class_means_times_output_weights(self, architectures, data):
        drawn, rng = data.draw(architectures()), np.random.default_rng(5)
        split = Split(rng.normal(size=(11, 6, 6, 2)), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2]))
        model, dataset = drawn.model(), Dataset("drawn", split, split, ("a", "b", "c"))
        cut = cut_points(model)[-1]
        kernel = np.asarray(model.get_layer("out").get_weights()[0])
        if drawn.head == "average" and not drawn.hidden:
            kernel = np.tile(kernel / np.prod(cut.positions), (int(np.prod(cut.positions)), 1))
        means = class_means(model, dataset, layers=[cut.layer])[cut.layer]

        fields = network_fields(model, dataset, layers=[cut.layer])[cut.layer]

        expected = filter_fields(means, kernel.reshape(*cut.positions, cut.units, 3))
        np.testing.assert_allclose(fields, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())

    def test_fields_are_the_means_of_contributions_over_unbalanced_labels(self, network, dataset, measured):
        _, contributions = unit_contributions(network, dataset.test.images)

        assert len(set(np.bincount(dataset.test.labels))) > 1
        assert list(measured.fields) == LAYERS
        for layer, values in contributions.items():
            expected = mean_by_label(values, dataset.test.labels)
            assert (measured.fields[layer].dtype, measured.fields[layer].shape) == (np.float32, expected.shape)
            np.testing.assert_allclose(measured.fields[layer], expected, rtol=1e-4, atol=1e-6)

    def test_quality_is_the_removal_cost_on_the_same_images(self, network, dataset, measured):
        logits, contributions = unit_contributions(network, dataset.test.images)

        for layer, values in contributions.items():
            table = measured.quality[layer]
            assert list(table) == ["quality", "quality_low", "quality_high"]
            np.testing.assert_allclose(table["quality"], removal_cost(logits, values, dataset.test.labels), atol=1e-6)
            assert (table["quality_low"] <= table["quality"]).all() and (
                table["quality"] <= table["quality_high"]
            ).all()

    def test_loss_and_accuracy_are_those_that_keras_finds(self, network, dataset, measured):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(loss=loss, metrics=["accuracy"])
        expected = network.evaluate(dataset.test.images, dataset.test.labels, verbose=0)
        np.testing.assert_allclose([measured.loss, measured.accuracy], expected, rtol=1e-5)
        assert (measured.images, measured.outputs) == (37, 3)

    def test_a_seed_gives_the_same_intervals_and_another_one_others(self, network, dataset):
        measure = partial(measure_network, network, dataset, layers=["hidden"])
        first, again, other = (measure(settings=AnalysisSettings(seed=seed)).quality["hidden"] for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(first, again)
        pd.testing.assert_series_equal(first["quality"], other["quality"])
        assert not np.array_equal(first["quality_low"], other["quality_low"])


def test_a_network_of_three_units_has_the_fields_and_qualities_that_were_worked_out():
    """The network of test_gates: image 0, label 1, units (3, 1, 0), z = (4, 8); image 1, label 0, (0, 0, 1), (7, 7).

    Image 0 contributes (3, 6), (1, 2), 0; image 1 contributes 0, 0, (7, 7).
    Losses: ln(1 + e^-4) and ln 2.  Without unit 0 image 0 has z = (1, 2), ln(1 + e^-1); without unit 1 (3, 6),
    ln(1 + e^-3); image 1 stays.  Without unit 2 image 1 has (0, 0), ln 2 as before.
    """
    x = keras.Input((3,))
    hidden = layers.Dense(3, "relu", use_bias=False, name="hidden")(x)
    second = layers.Dense(2, "relu", use_bias=False, name="second")(hidden)
    model = keras.Model(x, layers.Dense(2, "softmax", use_bias=False, name="out")(second))
    model.set_weights([np.eye(3), np.array([[1, -1], [1, 0], [0, 1]]), np.array([[1, 2], [7, 7]])])
    split = Split(np.array([[3, 1, -2], [-1, 0, 1]]), np.array([1, 0]))

    measured = measure_network(model, Dataset("hand", split, split, ("no", "yes")))

    assert measured.fields["hidden"].tolist() == [[[0, 0], [3, 6]], [[0, 0], [1, 2]], [[7, 7], [0, 0]]]
    losses = np.log1p(np.exp([-1.0, -3.0, -4.0]))
    expected = [(losses[0] - losses[2]) / 2, (losses[1] - losses[2]) / 2, 0]
    np.testing.assert_allclose(measured.quality["hidden"]["quality"], expected, atol=1e-6)
    assert measured.loss == pytest.approx((losses[2] + np.log(2)) / 2, rel=1e-5)
    assert measured.accuracy == 1


class TestImages:
    def test_little_memory_makes_small_batches_with_the_same_result(self, network, dataset, measured):
        plan, steps = plan_network(network, dataset), []
        assert plan == {"images": 37, "batch_size": 37, "passes": 4, "memory": plan["memory"]}
        little = AnalysisSettings(memory_limit=plan["memory"] / 4e9)
        planned = plan_network(network, dataset, settings=little)["batch_size"]

        small = measure_network(network, dataset, settings=little, progress=steps.append)

        assert 1 < planned < 12
        assert [(step.stage, step.done, step.total) for step in steps] == [
            ("network", done, -(-37 // planned)) for done in range(1, -(-37 // planned) + 1)
        ]
        for layer in LAYERS:
            np.testing.assert_allclose(small.fields[layer], measured.fields[layer], rtol=1e-4, atol=1e-6)
            pd.testing.assert_frame_equal(small.quality[layer], measured.quality[layer], rtol=1e-3, atol=1e-5)

    def test_a_plan_stays_within_the_memory_limit(self, network, dataset):
        for limit in (1e-4, 5e-4, 1e-3):
            assert (
                plan_network(network, dataset, settings=AnalysisSettings(memory_limit=limit))["memory"] <= limit * 1e9
            )

    def test_a_seeded_choice_of_images_is_measured_where_there_are_more(self, network, dataset):
        few = AnalysisSettings(images=9, split="train", seed=3)
        expected = choose_images(dataset.train, 9, labels=3, seed=3)

        measured = measure_network(network, dataset, layers=["hidden"], settings=few)

        assert measured.images == plan_network(network, dataset, settings=few)["images"] == len(expected) == 9
        np.testing.assert_array_equal(network_images(dataset, few).images, expected.images)
        _, contributions = unit_contributions(network, expected.images, layers=["hidden"])
        wanted = mean_by_label(contributions["hidden"], expected.labels)
        np.testing.assert_allclose(measured.fields["hidden"], wanted, rtol=1e-4, atol=1e-6)

    def test_named_inputs_are_measured_and_preprocessed(self, rng):
        left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
        joined = layers.Concatenate(name="join")([layers.Dense(2, name="a")(left), right])
        model = keras.Model({"left": left, "right": right}, layers.Dense(3, name="out")(joined))
        x = {"left": rng.normal(size=(20, 4)), "right": rng.normal(size=(20, 2))}
        split = Split(x, np.arange(20) % 3)

        fields = network_fields(
            model,
            Dataset("named", split, split, ("a", "b", "c")),
            settings=AnalysisSettings(batch_size=7),
            preprocess=lambda x: {"left": x["left"], "right": 2 * x["right"]},
        )

        _, expected = unit_contributions(model, {"left": x["left"], "right": 2 * x["right"]})
        for layer in ("a", "join"):
            wanted = mean_by_label(expected[layer], split.labels)
            np.testing.assert_allclose(fields[layer], wanted, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def of_twenty():
    rng = np.random.default_rng(3)
    x = keras.Input((5,))
    model = keras.Model(x, layers.Dense(20)(layers.Dense(6, "relu", name="hidden")(x)), name="twenty")
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    split = Split(rng.normal(size=(50, 5)), np.arange(50) % 20)
    return model, Dataset("twenty", split, split, tuple(map(str, range(20))))


class TestManyLabels:
    def test_fields_are_taken_to_every_output(self, of_twenty):
        model, dataset = of_twenty
        labels = dataset.test.labels
        logits, contributions = unit_contributions(model, dataset.test.images, outputs=20)

        measured = measure_network(model, dataset, settings=AnalysisSettings(outputs=4, batch_size=20))

        assert measured.outputs == 20
        wanted = mean_by_label(contributions["hidden"], labels)
        np.testing.assert_allclose(measured.fields["hidden"], wanted, rtol=1e-4, atol=1e-6)
        quality = removal_cost(logits, contributions["hidden"], labels)
        np.testing.assert_allclose(measured.quality["hidden"]["quality"], quality, atol=1e-5)

    def test_quality_alone_takes_the_label_and_the_largest_logits(self, of_twenty):
        model, dataset = of_twenty
        labels = dataset.test.labels
        logits, contributions = unit_contributions(model, dataset.test.images, labels=labels, outputs=4)

        measured = measure_network(model, dataset, with_fields=False, settings=AnalysisSettings(outputs=4))

        assert (measured.outputs, measured.fields) == (4, {})
        quality = removal_cost(logits, contributions["hidden"], labels)
        np.testing.assert_allclose(measured.quality["hidden"]["quality"], quality, atol=1e-5)


class TestWithout:
    def test_units_are_numbered_through_all_cuts(self, network, dataset):
        gated = GatedModel(network, layers=["conv1", "hidden"])
        without = contributions_without(gated, dataset.test, settings=AnalysisSettings(batch_size=20))

        logits, contributions = without(np.array([1, 4, 9]))

        found = gated.contributions(dataset.test.images, silenced={"conv1": [1], "hidden": [0, 5]})
        np.testing.assert_allclose(logits, found.logits, rtol=1e-4, atol=1e-6)
        assert contributions.shape == (37, 10, 3)
        both = np.concatenate([found.units["conv1"], found.units["hidden"]], axis=1)
        np.testing.assert_allclose(contributions, both, rtol=1e-4, atol=1e-6)
        assert not contributions[:, [1, 4, 9]].any()

    def test_a_whole_network_can_be_chosen_empty(self, network, dataset):
        gated = GatedModel(network)
        chosen = choose_units(contributions_without(gated, dataset.test), dataset.test.labels, 18, rounds=3)
        assert sorted(chosen) == list(range(18))

    def test_many_labels_are_spread_over_all_outputs(self, of_twenty):
        model, dataset = of_twenty
        without = contributions_without(GatedModel(model, outputs=4), dataset.test)
        _, contributions = without(np.array([], int))
        assert contributions.shape == (50, 6, 20)
        assert ((contributions != 0).sum(axis=2) <= 4).all()


class TestErrors:
    def test_other_labels_than_logits_are_refused_with_what_would_do(self, network, dataset, message_of):
        two = Dataset("two", *(split.take(split.labels < 2) for split in (dataset.train, dataset.test)), ("a", "b"))
        for verb in (network_fields, plan_network):
            assert message_of(verb, network, two) == (
                "Model 'small' has 3 logits, but two has 2 labels. Network fields and quality need one logit for each "
                "label; probe fields do not."
            )

    def test_too_few_images_for_the_labels_are_refused(self, network, dataset, message_of):
        few = partial(network_fields, settings=AnalysisSettings(images=2))
        assert message_of(few, network, dataset) == "2 images cannot hold 3 labels. Take 3 or more."

    def test_a_label_without_images_is_refused_by_name(self, network, dataset, message_of):
        without = Dataset("small", dataset.train, dataset.test.take(dataset.test.labels != 1), dataset.label_names)
        assert "split test has no image of label 'b'" in message_of(network_fields, network, without)

    def test_fields_beyond_the_memory_limit_are_refused(self, network, dataset, message_of):
        small = AnalysisSettings(memory_limit=1e-6)
        for verb in (network_fields, plan_network):
            assert message_of(partial(verb, settings=small), network, dataset) == (
                "Network fields of 18 units and 3 labels take 1.3e-06 GB, which the memory limit of 1e-06 GB does not "
                "hold. Choose fewer layers or labels, or raise the limit."
            )
        assert measure_network(network, dataset, with_fields=False, settings=small, layers=["hidden"]).fields == {}

    def test_a_network_without_logits_is_refused(self, dataset, message_of):
        image = keras.Input((8, 8, 3))
        model = keras.Model(image, layers.Dense(3, "sigmoid", name="out")(layers.Flatten()(image)), name="small")
        assert message_of(network_fields, model, dataset).startswith("Model 'small' ends in sigmoid (layer 'out').")
