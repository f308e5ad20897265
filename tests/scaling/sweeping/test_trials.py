import pytest

from fm_keras.data import load_dataset
from fm_keras.scaling.sweeping.trials import drawn_labels, list_trials, trial_name, trial_spec
from fm_keras.settings import SweepSettings


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", limit=100)


@pytest.fixture
def names(digits):
    return lambda **axes: [trial.name for trial in list_trials(SweepSettings(**axes), digits)]


def test_every_width_meets_every_seed(names):
    assert names(widths=(2, 4), seeds=(0, 1)) == [
        "lenet-w2-r2.667-s0",
        "lenet-w2-r2.667-s1",
        "lenet-w4-r2.667-s0",
        "lenet-w4-r2.667-s1",
    ]


def test_models_without_a_ratio_are_named_without_it(names):
    assert names(models=("lenet", "vgg6"), widths=(2,)) == ["lenet-w2-r2.667-s0", "vgg6-w2-s0"]


def test_pairs_stand_for_widths_and_ratios(names):
    assert names(pairs=((4, 2.0), (6, 1.0)), widths=(9,)) == ["lenet-w4-r2-s0", "lenet-w6-r1-s0"]


def test_what_is_as_usual_is_not_named_so_that_it_is_run_once(names):
    assert names(widths=(2, 2), ratios=(16 / 6,), batch_norms=(False,), label_counts=(10,), samples=(100,)) == names(
        widths=(2,)
    )


def test_what_is_not_as_usual_is_named(names):
    axes = {"widths": (2,), "batch_norms": (True,), "label_counts": (3,), "samples": (12,)}
    assert names(**axes) == ["lenet-w2-r2.667-bn-k3-n12-s0"]
    assert names(models=("vgg6",), widths=(2,), batch_norms=(False,)) == ["vgg6-w2-nobn-s0"]


def test_a_trial_knows_its_ratio_norm_labels_and_images(digits):
    (trial,) = list_trials(SweepSettings(widths=(2,), label_counts=(3,)), digits)
    assert (trial.ratio, trial.batch_norm, trial.labels, trial.samples) == (16 / 6, False, 3, 30)


def test_the_network_of_a_trial_has_what_the_trial_says(digits):
    (trial,) = list_trials(SweepSettings(pairs=((6, 1.5),), batch_norms=(True,), label_counts=(4,)), digits)
    spec = trial_spec(trial, (8, 8, 1), "quick")
    assert (spec.name, spec.width, spec.depth_ratio, spec.batch_norm, spec.labels) == ("lenet", 6, 1.5, True, 4)
    assert spec.image_shape == (8, 8, 1)


def test_few_labels_are_among_many_and_all_of_them_keep_their_order(digits):
    few, more, every = (drawn_labels(digits, count, seed=5) for count in (3, 6, 10))
    assert set(few) < set(more)
    assert every == list(range(10))
    assert len({tuple(drawn_labels(digits, 3, seed)) for seed in range(9)}) > 1


def test_a_function_has_widths_alone(digits, message_of):
    (trial,) = list_trials(SweepSettings(widths=(2,)), digits, function="net")
    assert (trial.name, trial.ratio, trial.batch_norm) == ("net-w2-s0", None, None)
    settings = SweepSettings(ratios=(1.0,))
    assert "net is a function of the width alone" in message_of(lambda: list_trials(settings, digits, function="net"))


@pytest.mark.parametrize(
    ("axes", "why"),
    [
        ({"models": ("vgg6",), "ratios": (1.0,)}, "Model vgg6 has no depth_ratio"),
        ({"models": ("lenet9",)}, "There is no model 'lenet9'"),
        ({"label_counts": (11,)}, "digits has 10 labels: 11 of them cannot be told apart"),
        ({"label_counts": (1,)}, "1 of them cannot be told apart"),
        ({"samples": (101,)}, "101 samples: 10 labels of digits have about 100 training images. Take 10 to 100."),
        ({"label_counts": (2,), "samples": (50,)}, "2 labels of digits have about 20 training images"),
    ],
)
def test_an_axis_that_does_not_fit_is_refused(names, message_of, axes, why):
    assert why in message_of(lambda: names(**axes))


def test_a_name_can_be_that_of_a_folder():
    assert trial_name("my net/v2", 4, 1) == "my_net_v2-w4-s1"
