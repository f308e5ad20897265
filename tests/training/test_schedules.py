import numpy as np
import pytest

from fm_keras.settings import TrainSettings
from fm_keras.training import make_schedule


def rates(settings: TrainSettings, steps_per_epoch: int) -> np.ndarray:
    course = make_schedule(settings, steps_per_epoch=steps_per_epoch)
    return np.array([float(course(step)) for step in range(settings.epochs * steps_per_epoch + 1)])


def test_one_cycle_rises_to_its_peak_at_a_quarter_and_ends_at_zero():
    course = rates(TrainSettings(epochs=4, learning_rate=0.2), 10)
    assert course[0] == pytest.approx(0.008)
    assert course.argmax() == 10
    assert course[10] == pytest.approx(0.2)
    assert course[-1] == pytest.approx(0)


def test_the_published_schedule_multiplies_by_q_every_dt_epochs():
    settings = TrainSettings.from_preset("paper", epochs=60)
    course = rates(settings, 2)
    np.testing.assert_allclose(course[[0, 39, 40, 79, 80]], [0.01, 0.01, 0.006, 0.006, 0.0036], rtol=1e-6)


def test_cosine_falls_all_the_way():
    course = rates(TrainSettings(epochs=2, schedule="cosine", learning_rate=0.1), 8)
    assert (np.diff(course) < 0).all()
    np.testing.assert_allclose(course[[0, 8, 16]], [0.1, 0.05, 0], atol=1e-8)


def test_a_course_is_made_again_from_its_config():
    course = make_schedule(TrainSettings(epochs=3, learning_rate=0.1), steps_per_epoch=7)
    again = type(course).from_config(course.get_config())
    assert float(again(5)) == float(course(5))
