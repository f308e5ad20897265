from dataclasses import replace

import numpy as np
import pytest

from fm_keras.analysis import analyze
from fm_keras.analysis.intervals import measure_intervals
from fm_keras.data import Split
from fm_keras.settings import AnalysisSettings, ProbeSettings


@pytest.fixture
def measured(network, blobs):
    return analyze(network, blobs, probe=ProbeSettings(epochs=2))


def test_every_layer_has_its_measures_within_their_intervals(network, blobs, measured):
    steps = []

    found = measure_intervals(network, blobs, measured, rounds=50, progress=steps.append)

    layers = measured.layers()
    assert found["layer"].tolist() == ["block/conv", "hidden"]
    for measure in ("accuracy", "snr", "noise"):
        assert found[measure].tolist() == layers[measure].tolist()
        assert (found[f"{measure}_low"] <= found[measure]).all()
        assert (found[measure] <= found[f"{measure}_high"]).all()
    assert (steps[-1].done, steps[-1].total) == (1, 1)


def test_the_interval_of_the_accuracy_is_that_of_wilson(network, blobs, measured):
    known = replace(measured, measured=tuple(replace(filters, accuracy=0.9) for filters in measured))

    found = measure_intervals(network, blobs, known, rounds=2)

    # 36 of 40: (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4 n^2)) / (1 + z^2 / n)
    assert found["accuracy_low"][0] == pytest.approx(0.76945, abs=1e-4)
    assert found["accuracy_high"][0] == pytest.approx(0.96040, abs=1e-4)


def test_groups_of_layers_give_what_all_layers_at_once_give(network, blobs, measured):
    steps = []
    grouped = replace(measured, settings=AnalysisSettings(memory_limit=1e-6))

    found = measure_intervals(network, blobs, grouped, rounds=20, progress=steps.append)

    assert found.equals(measure_intervals(network, blobs, measured, rounds=20))
    assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]


def test_more_rounds_and_another_seed_hardly_move_the_intervals(network, blobs, measured):
    some = measure_intervals(network, blobs, measured, rounds=400, seed=1)
    more = measure_intervals(network, blobs, measured, rounds=800, seed=2)

    width = more["noise_high"] - more["noise_low"]
    assert (some["noise_high"] - some["noise_low"]).tolist() == pytest.approx(width.tolist(), rel=0.5)


def test_other_images_than_those_measured_are_refused(network, blobs, measured, message_of):
    fewer = replace(blobs, test=blobs.test.take(slice(30)))
    darker = replace(blobs, test=Split(blobs.test.images - 0.5, blobs.test.labels))

    assert "measured on 40 images of 4 labels; blobs has 30 of 4" in message_of(
        measure_intervals, network, fewer, measured
    )
    assert "Layer 'block/conv' is not what was measured" in message_of(measure_intervals, network, darker, measured)


def test_an_analysis_without_probes_is_refused(network, blobs, measured, message_of):
    bare = replace(
        measured,
        measured=tuple(
            replace(filters, class_means=None, kernel=None, held=np.array(filters.fields)) for filters in measured
        ),
    )

    assert "intervals need probes" in message_of(measure_intervals, network, blobs, bare)


@pytest.mark.parametrize(("level", "rounds"), [(0, 9), (1, 9), (0.9, 1)])
def test_levels_and_rounds_out_of_range_are_refused(network, blobs, measured, message_of, level, rounds):
    call = lambda: measure_intervals(network, blobs, measured, level=level, rounds=rounds)  # noqa: E731

    assert "a level is between 0 and 1" in message_of(call)
