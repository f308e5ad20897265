"""prune: the steps, what they leave, what they refuse, and a model that is left as it was."""

import keras
import numpy as np
import pytest
from keras import ops

import fm_keras
from fm_keras.data import Dataset, Split
from fm_keras.errors import InvalidInput
from fm_keras.hashes import model_hash
from fm_keras.pruning import afcc_masks, apply_plan, choose, connection_masks, plan_removal, sweep_rules
from fm_keras.pruning.accuracy import evaluate
from fm_keras.settings import AnalysisSettings, PruneSettings, TrainSettings

SMALL = AnalysisSettings(images=30, batch_size=20)
SEEDED = PruneSettings(seed=3, repair="none")
QUICK = TrainSettings(batch_size=20, precision="float32")


def prune(model, dataset, **options):
    return fm_keras.prune(model, dataset, **{"measuring": SMALL, "train": QUICK, **options})


def test_without_repair_and_training_the_result_is_the_surgery(analyzed, dataset, outputs_of):
    pruning = prune(analyzed, dataset, rule="kernel_l1", keep=0.5, repair="none", epochs=0)

    expected = apply_plan(analyzed, pruning.plan)
    for one, other in zip(
        outputs_of(pruning.model, dataset.test.images), outputs_of(expected.model, dataset.test.images)
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert pruning.steps["step"].tolist() == ["whole", "cut"]
    assert pruning.effect.equals(expected.effect)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"repair": "refit", "epochs": 0}, ["whole", "cut", "repaired"]),
        ({"repair": "together", "epochs": 0}, ["whole", "cut", "repaired"]),
        ({"repair": "recalibrate", "epochs": 1}, ["whole", "cut", "repaired", "fine-tuned"]),
        ({"repair": "none", "epochs": 2}, ["whole", "cut", "fine-tuned"]),
    ],
)
def test_every_step_asked_for_is_taken_and_measured(analyzed, dataset, options, steps):
    pruning = prune(analyzed, dataset, rule="kernel_l1", keep=0.5, **options)

    assert pruning.steps["step"].tolist() == steps
    last = pruning.steps.iloc[-1]
    accuracy, loss = evaluate(pruning.model, dataset.test)
    assert (last["accuracy"], last["loss"]) == (pytest.approx(accuracy), pytest.approx(loss, rel=1e-4))
    whole = evaluate(analyzed, dataset.test)
    assert pruning.accuracy("whole") == pytest.approx(whole[0])


def test_the_model_is_left_as_it_was(analyzed, dataset, analysis):
    before = model_hash(analyzed)
    prune(analyzed, dataset, rule="snr", keep=0.5, analysis=analysis)
    prune(analyzed, dataset, rule="afcc", analysis=analysis, epochs=0)
    assert model_hash(analyzed) == before
    assert not analyzed.compiled


def test_savings_are_those_of_the_two_models(analyzed, dataset):
    pruning = prune(analyzed, dataset, rule="random", macs=0.5, epochs=0)
    found = pruning.savings.set_index("measure")
    assert found.loc["parameters", "pruned"] == pruning.model.count_params()
    assert pruning.ratio("MACs") <= 0.5
    assert pruning.ratio("MACs") == pytest.approx(pruning.effect["macs_kept"].sum() / pruning.effect["macs"].sum())


def test_the_same_seed_gives_the_same_network(analyzed, dataset):
    one, other = (prune(analyzed, dataset, rule="random", keep=0.5, settings=SEEDED) for _ in range(2))
    assert one.plan.removed == other.plan.removed
    for weight, same in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(weight, same, rtol=1e-4, atol=1e-6)


def test_a_plan_takes_the_place_of_rule_and_target(analyzed, dataset):
    plan = plan_removal(analyzed, {"hidden": [0, 2]})
    pruning = prune(analyzed, dataset, plan=plan, epochs=0)
    assert pruning.plan.removed == {"hidden": [0, 2]}


def test_arrays_are_a_data_set(analyzed, dataset):
    x, y = dataset.train.images, dataset.train.labels
    pruning = prune(analyzed, (x, y), rule="kernel_l1", keep=0.5, repair="none", epochs=0)
    assert 0 <= pruning.accuracy("cut") <= 1


def test_preprocessing_reaches_every_step(analyzed, dataset):
    kwargs = {"rule": "taylor_squared", "keep": 0.5, "repair": "recalibrate"}
    scaled = [Split(split.images * 2, split.labels) for split in (dataset.train, dataset.test)]
    expected = prune(analyzed, Dataset("twice", *scaled, dataset.label_names), **kwargs)

    pruning = prune(analyzed, dataset, preprocess=lambda x: x * 2, **kwargs)

    assert pruning.plan.removed == expected.plan.removed
    np.testing.assert_allclose(pruning.steps["loss"], expected.steps["loss"], rtol=1e-3)


def test_fine_tuning_lowers_the_training_loss(analyzed, dataset):
    cut = prune(analyzed, dataset, rule="random", keep=0.5, repair="none", epochs=0)
    tuned = prune(analyzed, dataset, rule="random", keep=0.5, repair="none", epochs=5)
    assert evaluate(tuned.model, dataset.train)[1] < evaluate(cut.model, dataset.train)[1]


def test_interrupted_fine_tuning_goes_on_and_ends_like_one_without_interruption(analyzed, dataset, tmp_path):
    how = {"rule": "kernel_l1", "keep": 0.5, "repair": "none", "epochs": 2}
    expected = prune(analyzed, dataset, **how)
    passes = []

    def stop(step):
        if step.stage == "train" and step.done > step.total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(analyzed, dataset, **how, checkpoints=tmp_path, progress=stop)
    resumed = prune(analyzed, dataset, **how, checkpoints=tmp_path, progress=passes.append)

    first = next(step for step in passes if step.stage == "train")
    assert first.done > first.total // 2
    for weight, same in zip(resumed.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_allclose(weight, same, rtol=1e-5, atol=1e-6)


class TestDilution:
    def test_cut_connections_stay_zero_through_fine_tuning(self, analyzed, dataset, analysis):
        masks = afcc_masks(analyzed, analysis)
        pruning = prune(analyzed, dataset, plan=masks, epochs=2)

        assert pruning.steps["step"].tolist() == ["whole", "cut", "repaired", "fine-tuned", "removed"]
        kept = pruning.plan.kept["hidden"]
        kernel = ops.convert_to_numpy(pruning.model.get_layer("out").kernel)
        assert (kernel[~masks.masks["out"][kept]] == 0).all()
        assert (kernel[masks.masks["out"][kept]] != 0).all()

    def test_units_that_nothing_reads_are_removed_without_a_change(self, analyzed, dataset):
        mask = np.ones((5, 3), bool)
        mask[[1, 4]] = False
        pruning = prune(analyzed, dataset, plan=connection_masks(analyzed, {"out": mask}), repair="none")

        assert pruning.plan.removed == {"hidden": [1, 4]}
        assert pruning.model.get_layer("hidden").units == 3
        losses = pruning.steps.set_index("step")["loss"]
        assert losses["removed"] == pytest.approx(losses["fine-tuned"], rel=1e-5)

    def test_what_comes_out_has_no_constraint_and_loads_in_a_safe_way(self, analyzed, dataset, analysis, tmp_path):
        pruning = prune(analyzed, dataset, rule="afcc", analysis=analysis, epochs=0)
        assert all(getattr(layer, "kernel_constraint", None) is None for layer in pruning.model.layers)
        pruning.model.save(tmp_path / "model.keras")
        assert keras.saving.load_model(tmp_path / "model.keras", safe_mode=True).count_params()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rule": "kernel_l1"}, "Give exactly one of keep, macs, params, latency; received none."),
        ({"keep": 0.5, "macs": 0.5}, "received keep=0.5, macs=0.5."),
        ({"keep": 1.5}, "Setting keep: input should be less than 1; received 1.5."),
        ({"rule": "magic", "keep": 0.5}, "There is no rule 'magic'."),
        ({"rule": "kernel_l1", "params": 0.0001}, "cannot be met"),
    ],
)
def test_bad_input_is_one_line(options, said, analyzed, dataset, message_of):
    assert said in message_of(lambda: prune(analyzed, dataset, **options))


def test_a_model_of_several_outputs_is_refused_before_anything_is_measured(analyzed, dataset, message_of):
    heads = keras.Model(analyzed.input, {"kind": analyzed.output, "hidden": analyzed.get_layer("hidden").output})
    said = "has 2 outputs, and one alone can be kept in shape while units go: kind (None, 3), hidden"
    assert said in message_of(lambda: prune(heads, dataset, keep=0.5))
    assert said in message_of(lambda: next(sweep_rules(heads, dataset, ["snr"])))


def one_output(model):
    return keras.Model(model.input, keras.layers.Dense(1, "sigmoid")(model.get_layer("hidden").output), name="one")


def smaller_images(dataset):
    splits = (Split(split.images[:, :4], split.labels) for split in (dataset.train, dataset.test))
    return Dataset("halves", *splits, dataset.label_names)


def two_labels(dataset):
    splits = (Split(split.images, split.labels % 2) for split in (dataset.train, dataset.test))
    return Dataset("two", *splits, ("a", "b"))


@pytest.mark.parametrize(
    ("change_model", "change_data", "said"),
    [
        (
            None,
            lambda data: Dataset("ten", data.train, data.test, tuple("abcdefghij")),
            "has 3 outputs, but ten has 10",
        ),
        (one_output, two_labels, "'one' has 1 output, but two has 2"),
        (None, smaller_images, "takes images of shape (8, 8, 2), but those of halves are (4, 8, 2)."),
    ],
)
def test_a_model_and_images_that_do_not_fit_are_refused_before_anything_is_measured(
    change_model, change_data, said, analyzed, dataset, message_of
):
    model, images, steps = change_model(analyzed) if change_model else analyzed, change_data(dataset), []
    asked = PruneSettings(rule="taylor_squared", keep=0.5, epochs=0)
    for attempt in (
        lambda: prune(model, images, settings=asked, progress=steps.append),
        lambda: choose(model, images, asked, progress=steps.append),
        lambda: next(sweep_rules(model, images, ["kernel_l1"], settings=asked, progress=steps.append)),
    ):
        assert said in message_of(attempt)
    assert steps == []


def test_images_need_to_fit_only_as_preprocess_leaves_them(analyzed, dataset):
    twice = {"preprocess": lambda x: ops.concatenate([x, x], axis=1), "measuring": SMALL}
    asked = PruneSettings(rule="active_share", keep=0.5, epochs=0)
    assert choose(analyzed, smaller_images(dataset), asked, **twice).removed


def test_a_plan_and_a_target_are_one_too_many(analyzed, dataset):
    plan = plan_removal(analyzed, {"hidden": [0]})
    with pytest.raises(InvalidInput, match="A plan says itself what stays: leave out keep"):
        prune(analyzed, dataset, plan=plan, keep=0.5)
    with pytest.raises(InvalidInput, match="A plan says itself what stays: leave out rule and layers"):
        prune(analyzed, dataset, plan=plan, rule="kernel_l1", layers=["hidden"])


def test_a_plan_or_masks_for_another_model_are_refused(network, analyzed, dataset, analysis):
    network.get_layer("out").bias.assign([1.0, 2.0, 3.0])
    for plan in (plan_removal(network, {"hidden": [0]}), afcc_masks(network, analysis)):
        with pytest.raises(InvalidInput, match="made for another model"):
            prune(analyzed, dataset, plan=plan)
