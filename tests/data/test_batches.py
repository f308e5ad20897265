import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest

from fm_keras.data import Split, augment_arrays, count_batches, filled_batches, measuring_batches, training_batches
from fm_keras.errors import InvalidInput

HOME = Path(__file__).parents[2]
TENSORFLOW = pytest.param("tensorflow", marks=pytest.mark.tensorflow)


@pytest.fixture(params=[TENSORFLOW, "jax"])
def backend(request, monkeypatch):
    """Both kinds of batches, whatever backend Keras runs on."""
    monkeypatch.setattr(keras.backend, "backend", lambda: request.param)
    return request.param


def listed(batches):
    """Batches as NumPy arrays."""

    def array(x):
        return {name: np.asarray(value) for name, value in x.items()} if isinstance(x, dict) else np.asarray(x)

    return [(array(x), np.asarray(y)) for x, y in batches]


def train(split, **changes):
    return listed(training_batches(split, **{"batch_size": 5, "seed": 3, "epochs": 1, **changes}))


def equal(ones, others):
    return len(ones) == len(others) and all(
        np.array_equal(x, other_x) and np.array_equal(y, other_y) for (x, y), (other_x, other_y) in zip(ones, others)
    )


def counted(batches):
    return Counter((image.tobytes(), int(label)) for x, y in batches for image, label in zip(x, y))


def test_every_image_occurs_once_an_epoch_with_its_label_and_the_last_batch_is_kept(backend, split):
    batches = train(split, epochs=2)

    assert [len(y) for _, y in batches] == [5, 5, 5, 5, 3] * 2
    whole = counted([(split.images, split.labels)])
    assert counted(batches[:5]) == counted(batches[5:]) == whole
    assert batches[0][0].dtype == np.uint8


def test_the_same_seed_gives_the_same_batches_another_seed_and_another_epoch_do_not(backend, split):
    changes = {"epochs": 2, "flip": True, "max_shift": 2}
    first, again, other = (train(split, seed=seed, **changes) for seed in (3, 3, 4))

    assert equal(first, again)
    assert not equal(first, other)
    assert not equal(first[:5], first[5:])


def test_going_on_at_an_epoch_gives_the_batches_of_going_there(backend, split):
    whole = train(split, epochs=4, flip=True, max_shift=2)
    rest = train(split, epochs=4, first_epoch=2, flip=True, max_shift=2)

    assert equal(whole[10:], rest)


def test_the_batches_of_an_epoch_do_not_depend_on_how_many_epochs_there_are(backend, split):
    assert equal(train(split, epochs=1, flip=True), train(split, epochs=5, flip=True)[:5])


@pytest.mark.parametrize(("devices", "sizes"), [(2, [6, 6, 6, 4]), (3, [6, 6, 6, 3]), (6, [6, 6, 6])])
def test_devices_leave_out_the_images_that_they_cannot_share_evenly(backend, split, devices, sizes):
    batches = train(split, batch_size=6, epochs=2, devices=devices)

    assert [len(y) for _, y in batches] == sizes * 2
    assert counted(batches[: len(sizes)]) <= counted([(split.images, split.labels)])


def test_devices_share_the_same_batches_as_one_alone(backend, split):
    assert equal(train(split, batch_size=6, max_shift=1, devices=2)[:3], train(split, batch_size=6, max_shift=1)[:3])


def test_batches_are_filled_up_with_images_of_no_weight(backend, split):
    batches = list(filled_batches(training_batches(split, batch_size=5, seed=3, epochs=1), devices=2))
    before = train(split)

    assert [len(y) for _, y, _ in batches] == [6, 6, 6, 6, 4]
    for (x, y, weights), (images, labels) in zip(batches, before):
        assert np.array_equal(np.asarray(x)[: len(labels)], images)
        assert np.array_equal(np.asarray(y)[: len(labels)], labels)
        assert np.asarray(weights)[len(labels) :].tolist() == [0.0]
        assert np.asarray(weights).mean() == pytest.approx(1)


def test_measured_images_count_alike_however_many_devices_share_them(backend, split):
    batches = list(measuring_batches(split, batch_size=5, devices=4))
    weights = np.concatenate([np.asarray(each) for _, _, each in batches])

    assert [len(y) for _, y, _ in batches] == [8, 8, 8]
    assert weights == pytest.approx([24 / 23] * 23 + [0])
    assert np.array_equal(np.concatenate([np.asarray(y) for _, y, _ in batches])[:23], split.labels)


def test_an_augmented_image_is_one_of_its_flips_and_shifts(backend, split):
    shifts = [(row, column) for row in range(-2, 3) for column in range(-2, 3)]
    possible = {}
    for flip in (False, True):
        for shift in shifts:
            moved = augment_arrays(split.images, np.full(23, flip), np.tile(shift, (23, 1)))
            possible |= {image.tobytes(): (number, flip, shift) for number, image in enumerate(moved)}

    found = [
        (*possible[image.tobytes()], label)
        for x, y in train(split, epochs=40, flip=True, max_shift=2)
        for image, label in zip(x, y)
    ]

    assert all(split.labels[number] == label for number, _, _, label in found)
    assert {shift for _, _, shift, _ in found} == set(shifts)
    assert abs(np.mean([flip for _, flip, _, _ in found]) - 0.5) < 0.08


def test_flips_and_shifts_can_be_had_apart(backend, split):
    flipped = np.concatenate([split.images, split.images[:, :, ::-1]])
    shifts = [np.tile((row, column), (23, 1)) for row in (-1, 0, 1) for column in (-1, 0, 1)]
    shifted = np.concatenate([augment_arrays(split.images, np.zeros(23, bool), shift) for shift in shifts])

    for change, possible in (({"flip": True}, flipped), ({"max_shift": 1}, shifted)):
        found = {image.tobytes() for x, _ in train(split, epochs=100, **change) for image in x}
        assert found == {image.tobytes() for image in possible}


def test_named_inputs_are_shuffled_together_and_never_augmented(backend, split):
    inputs = Split({"image": split.images, "number": np.arange(23)}, split.labels)

    for x, y in train(inputs, flip=True, max_shift=2):
        assert np.array_equal(x["image"], split.images[x["number"]])
        assert np.array_equal(y, split.labels[x["number"]])


def test_arrays_that_are_no_pictures_are_only_shuffled(backend):
    table = Split(np.arange(60, dtype=np.float32).reshape(20, 3), np.arange(20) % 2)
    assert counted(train(table, flip=True, max_shift=4)) == counted([(table.images, table.labels)])


def test_measuring_keeps_the_order_and_the_last_batch_and_can_be_repeated(backend, split):
    batches = measuring_batches(split, batch_size=10)

    assert len(batches) == 3
    for _ in range(2):
        seen = listed(batches)
        assert [len(y) for _, y in seen] == [10, 10, 3]
        assert np.array_equal(np.concatenate([x for x, _ in seen]), split.images)
        assert np.array_equal(np.concatenate([y for _, y in seen]), split.labels)


def test_measuring_named_inputs_keeps_them_by_name(backend, split):
    inputs = Split({"a": split.images, "b": np.arange(23)}, split.labels)

    seen = listed(measuring_batches(inputs, batch_size=10))

    assert np.array_equal(np.concatenate([x["b"] for x, _ in seen]), np.arange(23))


def test_preprocessing_comes_last_in_both_pipelines(backend, split):
    def negative(x):
        return 255 - x

    measured = listed(measuring_batches(split, batch_size=23, preprocess=negative))
    changes = {"flip": True, "max_shift": 1}

    assert np.array_equal(measured[0][0], 255 - split.images)
    for (x, _), (before, _) in zip(train(split, preprocess=negative, **changes), train(split, **changes)):
        assert np.array_equal(x, 255 - before)


@pytest.mark.tensorflow
def test_tensorflow_pipelines_have_their_length_and_no_autotune(split, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    batches = training_batches(split, batch_size=5, seed=0, epochs=4, first_epoch=1)

    assert len(batches) == 15
    assert not batches.options().autotune.enabled
    assert batches.options().deterministic
    assert batches.options().threading.private_threadpool_size == 1


def test_the_number_of_batches_counts_a_smaller_last_one():
    assert [count_batches(23, 5), count_batches(25, 5)] == [5, 5]


@pytest.mark.parametrize(
    ("batch_size", "devices", "message"),
    [
        (5, 2, "A batch of 5 images cannot be split evenly over 2 devices; a batch size of 4 or 6 can."),
        (5, 8, "A batch of 5 images cannot be split evenly over 8 devices; a batch size of 8 can."),
        (24, 24, "23 images are fewer than 24 devices; give more images."),
    ],
)
def test_batches_that_devices_cannot_share_are_refused_in_one_line(split, batch_size, devices, message):
    with pytest.raises(InvalidInput) as error:
        training_batches(split, batch_size=batch_size, seed=0, epochs=1, devices=devices)
    assert str(error.value) == message


def test_with_jax_fit_resumes_to_the_same_weights_where_tensorflow_is_not_installed():
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax"}

    done = subprocess.run([sys.executable, "-c", RESUME], cwd=HOME, env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "same\n"), done.stderr


RESUME = """
import sys

class WithoutTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, WithoutTensorFlow())
import keras
import numpy as np
from fm_keras.data import count_batches, load_dataset, measuring_batches, training_batches

data = load_dataset("digits", limit=70)
steps = count_batches(len(data.train), 20)

def model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(10)]
    made = keras.Sequential(layers)
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made

def fit(made, first, last):
    batches = training_batches(
        data.train, batch_size=20, seed=1, epochs=last, first_epoch=first, flip=True, max_shift=1
    )
    made.fit(batches, initial_epoch=first, epochs=last, steps_per_epoch=steps, shuffle=False, verbose=0)

whole, parts = model(), model()
fit(whole, 0, 3)
fit(parts, 0, 1)
fit(parts, 1, 3)
measured = measuring_batches(data.test, batch_size=50)
losses = [made.evaluate(measured, verbose=0) for made in (whole, parts)]
same = all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), parts.get_weights()))
print("same" if same and losses[0] == losses[1] else losses)
"""
