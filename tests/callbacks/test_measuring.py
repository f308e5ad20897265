"""When callbacks measure, what they log in between, and what a training that goes on finds."""

import math

import keras
import numpy as np
import pandas as pd
import pytest

from fm_keras.callbacks import FilterQuality, RepresentationComplexity
from fm_keras.data import Dataset, Split, as_dataset
from fm_keras.errors import BadRun, InvalidInput


def same(one, other):
    return pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-5)


def test_it_measures_at_the_first_epoch_and_every_so_many_and_logs_the_last_value_in_between(follow, stripes):
    callback = RepresentationComplexity(stripes, ["hidden"], every=2)

    _, logs = follow(callback, 4)

    assert callback.history["epoch"].tolist() == [0, 2]
    first, second = callback.history["n3"]
    assert logs == [{"hidden_n3": value} for value in (first, first, second, second)]


def test_logs_reach_the_callbacks_that_stand_behind(fit, stripes, tmp_path):
    quality = FilterQuality(stripes, ["hidden"])
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="hidden_snr", mode="max", save_best_only=True
    )
    stop = keras.callbacks.EarlyStopping("hidden_probe_accuracy", mode="max", min_delta=2, patience=1)

    _, logs = fit(quality, keras.callbacks.CSVLogger(tmp_path / "log.csv"), best, stop, epochs=5)

    assert len(logs["loss"]) == 2
    written = pd.read_csv(tmp_path / "log.csv")
    assert written["hidden_noise"].tolist() == pytest.approx(logs["hidden_noise"])
    assert (tmp_path / "best.keras").exists()


def test_a_second_training_starts_anew(follow, stripes):
    callback = FilterQuality(stripes, ["hidden"])
    follow(callback)
    first = callback.history

    follow(callback)

    same(callback.history, first)


@pytest.mark.parametrize("kind", [FilterQuality, RepresentationComplexity])
def test_a_training_that_goes_on_measures_what_one_without_a_break_does(follow, stripes, tmp_path, kind):
    options = {"layers": ["first", "hidden"], "every": 2}
    whole = kind(stripes, **options)
    _, logs = follow(whole, 6)

    model, _ = follow(kind(stripes, **options, state_path=tmp_path / "state.csv"), 3)
    resumed = kind(stripes, **options, state_path=tmp_path / "state.csv")
    _, more = follow(resumed, 6, first=3, model=model)

    same(resumed.history, whole.history)
    assert [pytest.approx(each, nan_ok=True) for each in more] == logs[3:]


def test_a_training_from_the_start_ignores_what_was_kept(follow, stripes, tmp_path):
    options = {"layers": ["hidden"], "state_path": tmp_path / "state.csv"}
    follow(RepresentationComplexity(stripes, **options), 3)
    again = RepresentationComplexity(stripes, **options)

    follow(again, 1)

    assert again.history["epoch"].tolist() == [0]
    assert pd.read_csv(tmp_path / "state.csv")["epoch"].tolist() == [0]


def test_what_was_kept_of_another_training_is_refused(follow, stripes, tmp_path, message_of):
    path = tmp_path / "state.csv"
    follow(RepresentationComplexity(stripes, ["hidden"], state_path=path), 1)
    other = RepresentationComplexity(stripes, ["first"], state_path=path)

    said = message_of(lambda: follow(other, 2, first=1))

    assert "expected epoch, layer, n3, first, found epoch, layer, n3, hidden" in said
    path.write_text("no table\n1,2\n")
    with pytest.raises(BadRun, match="Remove it"):
        follow(other, 2, first=1)


def test_probes_of_other_labels_that_were_kept_are_refused(follow, stripes, tmp_path, message_of):
    path = tmp_path / "state.csv"
    follow(FilterQuality(stripes, ["hidden"], state_path=path), 1)
    splits = [Split(each.images, np.arange(len(each)) % 4) for each in (stripes.train, stripes.test)]
    more = Dataset("more", *splits, ("a", "b", "c", "d"))

    said = message_of(lambda: follow(FilterQuality(more, ["hidden"], state_path=path), 2, first=1))

    assert "the probe of 'hidden' is (8, 4), found (8, 3)" in said


def test_what_is_kept_lies_beside_the_path_whatever_its_suffix(follow, stripes, tmp_path):
    for name in ("kept.npz", "kept.one", "kept.two"):
        follow(FilterQuality(stripes, ["hidden"], state_path=tmp_path / name), 1)
        again = FilterQuality(stripes, ["hidden"], state_path=tmp_path / name)
        follow(again, 2, first=1)
        assert again.history["epoch"].tolist() == [0, 1]

    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("kind", [FilterQuality, RepresentationComplexity])
def test_arrays_are_taken_as_analyze_takes_them(follow, stripes, kind):
    x, y = stripes.train.images, stripes.train.labels
    arrays, whole = kind((x, y), ["hidden"]), kind(as_dataset(x, y), ["hidden"])

    follow(arrays)
    follow(whole)

    same(arrays.history, whole.history)


def test_what_is_infinite_is_nan_in_the_logs_and_stays_infinite_in_the_history(follow, stripes):
    class Clear(RepresentationComplexity):
        def measure(self):
            return pd.DataFrame({"layer": ["hidden"], "snr": [math.inf]})

    callback = Clear(stripes, ["hidden"])
    _, logs = follow(callback, 1)

    assert math.isnan(logs[0]["hidden_snr"])
    assert callback.history["snr"].tolist() == [math.inf]


def test_every_below_one_is_refused(stripes):
    with pytest.raises(InvalidInput, match="every is 0"):
        FilterQuality(stripes, every=0)


def test_a_config_makes_the_same_callback_for_some_images(stripes):
    for callback in (
        FilterQuality(stripes, ["hidden"], every=3, images=60, quality=True, output="what", state_path="kept.csv"),
        RepresentationComplexity(stripes, ["hidden"], ["n1"], every=2, sample=30),
    ):
        config = callback.get_config()
        assert type(callback).from_config(config, stripes).get_config() == config
        registered = f"fm_keras>{type(callback).__name__}"
        assert keras.saving.get_registered_object(registered) is type(callback)


def test_it_works_in_a_hand_written_loop_of_a_model_that_is_not_compiled(build, stripes, rng):
    model, quality = build(), FilterQuality(stripes, ["hidden"])
    hooks = keras.callbacks.CallbackList([quality], model=model)

    hooks.on_train_begin()
    for epoch in range(2):
        hooks.on_epoch_begin(epoch)
        model.set_weights([weights + 0.01 * rng.normal(size=weights.shape) for weights in model.get_weights()])
        hooks.on_epoch_end(epoch)
    hooks.on_train_end()

    assert quality.history["epoch"].tolist() == [0, 1]
    assert set(quality.last) == {f"hidden_{name}" for name in quality.measures}
