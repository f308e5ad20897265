import numpy as np
import pytest

from fm_keras.analysis.resampling import draw_folds, draw_weights, interval, resampled_noise
from fm_keras.filters import find_clusters, layer_statistics, measure_filters, threshold_fields

LABELS, UNITS, IMAGES, FOLDS = 3, 40, 60, 20


@pytest.fixture
def draw_layer():
    """Fields of forty units over each fold of sixty random images a label, drawn from the same world every time."""
    world = np.random.default_rng(7).normal(size=(UNITS, LABELS, LABELS))

    def draw(rng):
        images = world[:, :, None] + rng.normal(0, 2, (UNITS, LABELS, IMAGES, LABELS))
        return images.reshape(UNITS, LABELS, FOLDS, -1, LABELS).mean(axis=3)

    return draw


def test_every_label_is_split_into_folds_of_equal_size(rng):
    labels = rng.permutation(np.repeat([0, 1, 2], [20, 21, 43]))

    fold = draw_folds(labels, 20, rng)

    sizes = [np.bincount(fold[labels == label], minlength=20) for label in range(3)]
    assert [(size.min(), size.max()) for size in sizes] == [(1, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize("folds", [1, 5])
def test_folds_that_a_label_cannot_fill_are_refused(rng, message_of, folds):
    assert "at most 4, the images of label 1" in message_of(draw_folds, np.array([0] * 9 + [1] * 4), folds, rng)


def test_weights_count_images_and_vary_as_much_as_the_mean_over_all_folds(rng):
    sizes, values = np.full((1, 6), 5), rng.normal(size=6)

    weights = draw_weights(sizes, 20_000, rng)

    assert weights.sum(axis=-1) == pytest.approx(np.ones((20_000, 1)))
    assert (weights[:, 0] @ values).std() == pytest.approx(values.std(ddof=1) / np.sqrt(6), rel=0.02)


def test_larger_folds_weigh_more(rng):
    weights = draw_weights(np.array([[1, 3]]), 10, rng)

    # One of two folds is drawn: whichever it is stands for all.
    assert {tuple(row) for row in weights[:, 0].tolist()} <= {(1.0, 0.0), (0.0, 1.0)}
    assert draw_weights(np.array([[1, 3, 3]]), 500, rng)[:, 0].mean(axis=0)[0] < 1 / 4


def test_equal_weights_give_snr_and_noise_of_the_layer_itself(draw_layer, rng, monkeypatch):
    folds = draw_layer(rng)
    above = threshold_fields(folds.mean(axis=2))
    clusters = find_clusters(above)
    expected = layer_statistics(measure_filters(above, clusters), clusters)
    monkeypatch.setattr("fm_keras.analysis.resampling._BLOCK_BYTES", 1)

    snr, noise = resampled_noise([folds[:15], folds[15:]], np.full((2, LABELS, FOLDS), 1 / FOLDS), threshold=0.3)

    assert snr.tolist() == pytest.approx([expected["snr"]] * 2)
    assert noise.tolist() == pytest.approx([expected["noise"]] * 2)


def test_about_95_of_100_intervals_hold_what_as_many_other_images_give(draw_layer, rng):
    equal, sizes = np.full((1, LABELS, FOLDS), 1 / FOLDS), np.full((LABELS, FOLDS), IMAGES // FOLDS)
    estimates, intervals = [], []
    for _ in range(100):
        folds = draw_layer(rng)
        estimates.append([measure[0] for measure in resampled_noise([folds], equal, threshold=0.3)])
        resampled = resampled_noise([folds], draw_weights(sizes, 100, rng), threshold=0.3)
        intervals.append([interval(*each, 0.95) for each in zip(estimates[-1], resampled)])
    low, high = np.moveaxis(intervals, -1, 0)
    others = np.mean(estimates, axis=0)

    held = ((low <= others) & (others <= high)).mean(axis=0)

    assert held.min() >= 0.88
    assert held.max() <= 0.99


def test_an_interval_is_two_standard_deviations_to_each_side_and_never_below_zero(rng):
    assert interval(5.0, rng.normal(9, 1, 100_000), 0.95) == pytest.approx((3.04, 6.96), abs=0.02)
    assert interval(1.0, rng.normal(9, 1, 1000), 0.95)[0] == 0


def test_an_infinite_round_makes_the_upper_end_infinite():
    assert interval(np.inf, np.array([2.0, np.inf, np.inf]), 0.95) == (2, np.inf)
