"""Scores against the truth: what is silenced, on which images, and who foretells it where one unit alone is useful."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from fm_keras.analysis import analyze
from fm_keras.data import Dataset, Split, hold_out
from fm_keras.pruning import check_scores, contribution_scores
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import silence_cost, silence_effects

OURS = ["quality", "taylor_signed", "taylor_squared", "contribution_norm"]
WEIGHTS = ["kernel_l1", "batch_norm_scale", "fpgm"]
FIELDS = ["snr", "few_noise", "field_norm"]
RULES = ["greedy", "greedy, no labels", "random", "whole network"]


@pytest.fixture(scope="module")
def useful():
    """Unit 2 of six alone tells the two labels apart; the others are as loud, but speak for both labels alike."""
    rng = np.random.default_rng(7)
    labels = np.arange(80) % 2
    signs = 2.0 * labels - 1
    images = np.where(np.arange(6) == 2, signs[:, None], 1) * rng.uniform(1, 2, (80, 6))
    x = keras.Input((6,))
    units = layers.Dense(6, use_bias=False, name="units")(x)
    model = keras.Model(x, layers.Dense(2, use_bias=False)(units), name="useful")
    alike = rng.uniform(1, 3, (6, 1)) + rng.normal(0, 0.01, (6, 2))
    model.set_weights([np.eye(6), np.where(np.arange(6)[:, None] == 2, [-1, 1], alike)])
    split = Split(images, labels)
    return model, Dataset("useful", split, split, ("no", "yes"))


@pytest.fixture(scope="module")
def found_useful(useful):
    return check_scores(*useful)


def test_the_only_useful_unit_is_first_by_cost_and_by_quality(found_useful):
    costs = found_useful.costs.set_index("filter")
    assert costs["cost"].idxmax() == costs["cost_elsewhere"].idxmax() == costs["quality"].idxmax() == 2
    assert costs["cost"].nlargest(2).iloc[1] < 0.1 * costs["cost"].max()
    assert costs["kernel_l1"].nunique() == 1


def test_the_only_useful_unit_is_kept_by_the_greedy_choice(found_useful):
    left = found_useful.halves.set_index("rule")["accuracy"]
    assert left["whole network"] == left["greedy"] == left["greedy, no labels"] == left["quality"] == 1
    assert left["kernel_l1"] == 0.5  # equal scores: the first three go, unit 2 among them


def test_half_of_the_images_serve_the_scores_and_the_other_half_the_truth(useful, found_useful):
    model, dataset = useful
    ours, others = hold_out(dataset.test, share=0.5, seed=0)

    table = found_useful.costs

    assert found_useful.images == len(ours) == len(others) == 40
    np.testing.assert_allclose(table["cost"], silence_cost(model, others, "units"), atol=1e-6)
    np.testing.assert_allclose(table["cost_elsewhere"], silence_cost(model, ours, "units"), atol=1e-6)
    assert not np.allclose(table["cost"], table["cost_elsewhere"], rtol=1e-3)
    # The network is linear, so quality is the truth, on the images of the scores.
    np.testing.assert_allclose(table["quality"], table["cost_elsewhere"], rtol=1e-4, atol=1e-6)


def test_the_lower_half_by_each_score_is_silenced_on_the_other_images(useful, found_useful):
    model, dataset = useful
    _, others = hold_out(dataset.test, share=0.5, seed=0)
    halves = found_useful.halves.set_index("rule")
    for score in ("quality", "taylor_signed", "contribution_norm"):
        lower = found_useful.costs.sort_values(score, kind="stable")["filter"].head(3).tolist()
        expected = silence_effects(model, others, "units", [lower])
        np.testing.assert_allclose(
            halves.loc[score, ["accuracy", "cost"]].astype(float), expected.iloc[0][["accuracy", "cost"]], atol=1e-6
        )
    assert halves.loc["whole network", "cost"] == 0


@pytest.fixture(scope="module")
def small_check(analyzed, dataset, analysis):
    return check_scores(analyzed, dataset, analysis=analysis, layers=["block/conv", "add"], units=3)


def test_every_score_that_a_layer_has_is_compared_beside_the_ceiling(small_check):
    scores = [*OURS, *WEIGHTS, "active_share", *FIELDS, "probe_ablation"]
    assert list(small_check.costs) == ["layer", "filter", "cost", "cost_elsewhere", *scores]
    found = {layer: list(table["score"]) for layer, table in small_check.correlations.groupby("layer", sort=False)}
    assert found == {
        "block/conv": ["ceiling", *scores],
        "add": ["ceiling", *[score for score in scores if score not in WEIGHTS]],
    }
    assert small_check.correlations["spearman"].dropna().between(-1, 1).all()


def test_halves_are_made_by_every_rule(small_check):
    for layer, table in small_check.halves.groupby("layer"):
        scores = [*OURS, *WEIGHTS, "active_share", *FIELDS, "probe_ablation"]
        if layer == "add":
            scores = [score for score in scores if score not in WEIGHTS]
        assert sorted(table["rule"]) == sorted([*RULES, *scores])
        assert table["accuracy"].between(0, 1).all() and table["cost"].notna().all()


def test_scores_are_measured_on_the_images_of_the_scores(analyzed, dataset, small_check):
    ours, _ = hold_out(dataset.test, share=0.5, seed=0)
    expected = contribution_scores(analyzed, ours, layers=["block/conv"]).loc["block/conv"]
    table = small_check.costs.query("layer == 'block/conv'").set_index("filter")
    np.testing.assert_allclose(table[OURS], expected.loc[table.index], rtol=1e-4, atol=1e-6)


def test_units_are_a_seeded_choice_and_all_of_it_can_be_repeated(useful):
    def check(seed):
        return check_scores(*useful, units=3, settings=AnalysisSettings(seed=seed, images=12))

    first, again, other = check(1), check(1), check(4)

    for name in ("costs", "correlations", "halves"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name), rtol=1e-4, atol=1e-6)
    assert first.images == 12
    assert len(first.costs) == 3 and set(first.costs["filter"]) < set(range(6))
    assert list(first.costs["filter"]) != list(other.costs["filter"])
    assert not set(first.costs) & {*FIELDS, "probe_ablation"}


def test_network_fields_give_the_scores_of_fields_but_no_probe(useful):
    model, dataset = useful
    found = check_scores(model, dataset, analysis=analyze(model, dataset, fields="network"))
    assert set(found.costs) >= set(FIELDS)
    assert "probe_ablation" not in found.costs


def test_greedy_choice_takes_as_many_images_as_fit_the_memory(useful, found_useful):
    little = check_scores(*useful, settings=AnalysisSettings(memory_limit=4e-6))
    left = little.halves.set_index("rule")["accuracy"]
    assert left["greedy"] == 1
    pd.testing.assert_frame_equal(little.costs, found_useful.costs, rtol=1e-4, atol=1e-6)


def test_every_layer_is_reported_as_it_is_done(useful):
    steps = []
    check_scores(*useful, progress=steps.append)
    assert [(step.stage, step.done, step.total, step.note) for step in steps][-1] == ("silence", 1, 1, "units")


def test_too_few_images_and_wrong_labels_are_refused(useful, message_of):
    model, dataset = useful
    two = dataset.test.take([0, 1])
    single = Dataset("two", two, two, dataset.label_names)
    assert message_of(check_scores, model, single) == (
        "No label has two images, so none can be held out for testing; give test images."
    )
    wrong = Split(dataset.test.images, dataset.test.labels + 1)
    three = Dataset("three", wrong, wrong, ("a", "b", "c"))
    assert message_of(check_scores, model, three).startswith("labels must be whole numbers from 0 to 1,")


def test_without_halves_single_units_alone_are_silenced(useful, found_useful):
    found = check_scores(*useful, halves=False)
    assert found.halves.empty and list(found.halves) == list(found_useful.halves)
    pd.testing.assert_frame_equal(found.costs, found_useful.costs, rtol=1e-4, atol=1e-6)
