import keras
import pytest

from fm_keras.distribution import devices_here, spread_over


@pytest.fixture
def jax():
    return keras.backend.backend() == "jax"


def test_training_on_two_devices_gives_the_numbers_of_one_or_says_why_it_cannot(found_by, jax):
    found = found_by("train.py")
    assert found["weights"] < 1e-5 < 0.1 < found["moved"]
    assert found["history"] < 1e-5
    assert found["resumed"] < 1e-5
    assert found["ragged"]
    assert (found["inside"], found["left"], found["synchronized"]) == ([2, 2], 1, False)
    assert found["too many"].startswith(f"4 devices were asked for, but {'jax' if jax else 'tensorflow'} sees 3 CPUs. ")
    assert found["odd batch"] == (
        "A batch of 25 images cannot be split evenly over 2 devices; a batch size of 24 or 26 can."
    )
    if not jax:
        assert found["another number"] == (
            "3 devices were asked for where 2 have shared batches already; TensorFlow cannot change that. "
            "Ask for 2 or 1, or start another process."
        )
        assert found["xla"] == "TensorFlow cannot compile a step for 2 devices with XLA. Take xla='auto'."


def test_an_analysis_on_two_devices_gives_the_numbers_of_one_whatever_the_batches(found_by):
    found = found_by("measure.py")
    assert found.pop("filters") == 4
    assert (found.pop("by image"), found.pop("shares")) == (True, 2)
    assert len(found) == 7
    assert max(found.values()) < 1e-5


def test_in_a_distribution_of_the_user_s_own_all_works_as_without_it(found_by, jax):
    found = found_by("own_scope.py")
    assert found["still there"] == 2
    assert found["analysis"] < 1e-5
    assert found["training"] < 1e-5
    for place in ["inside"] if jax else ["inside", "outside"]:
        assert max(found[place]) < 1e-4
    if not jax:
        assert found["other number"] == (
            "3 devices were asked for inside a scope of tf.distribute for 2. Leave the number out, or call this "
            "outside of the scope."
        )


def test_one_device_is_what_everything_runs_on_unless_told_otherwise():
    with spread_over(1) as devices:
        assert (devices, devices_here()) == (1, 1)
