import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fm_keras.errors import InvalidInput
from fm_keras.filters import (
    expected_snr,
    find_clusters,
    measure_noise,
    signal_to_noise,
    threshold_fields,
)

MASKS = (
    st.integers(2, 6)
    .flatmap(lambda k: arrays(int, st.tuples(st.integers(1, 4), st.just(k), st.just(k)), elements=st.integers(0, 2)))
    .map(lambda a: a > 0)
)


def literal_noise(above, cluster_of):
    """Signal, internal, external and column noise of one unit, one element after the other."""
    signal = internal = external = column = 0
    for i, j in zip(*np.nonzero(above), strict=True):
        if i == j:
            signal += 1
        elif cluster_of[i] == cluster_of[j] >= 0:
            internal += 1
        else:
            external += 1
            column += cluster_of[j] >= 0
    return [signal, internal, external, column]


@pytest.mark.parametrize("method", ["greedy", "clique"])
def test_known_noise_is_found(known, method):
    above = threshold_fields(known.field[None])
    noise = measure_noise(above, find_clusters(above, method)).iloc[0]
    which = ["greedy", "clique"].index(method)
    assert noise["external_noise"] == known.external_noise[which]
    assert noise["column_noise"] == known.column_noise[which]
    assert noise["signal"] == sum(map(len, getattr(known, method)))


@given(MASKS)
def test_noise_equals_the_count_written_as_a_loop(above):
    cluster_of = find_clusters(above)
    counts = measure_noise(above, cluster_of)[["signal", "internal_noise", "external_noise", "column_noise"]]
    assert counts.values.tolist() == [literal_noise(*unit) for unit in zip(above, cluster_of, strict=True)]


@given(MASKS)
def test_signal_and_noise_add_up_to_all_ones(above):
    noise = measure_noise(above, find_clusters(above))
    total = noise["signal"] + noise["internal_noise"] + noise["external_noise"]
    assert total.tolist() == above.sum(axis=(1, 2)).tolist()


@given(MASKS)
def test_the_snr_of_a_unit_is_the_mean_diagonal_over_the_mean_of_the_rest(above):
    labels = above.shape[1]
    for ones, snr in zip(above, measure_noise(above, find_clusters(above))["snr"], strict=True):
        diagonal, rest = ones.trace() / labels, (ones.sum() - ones.trace()) / (labels * (labels - 1))
        expected = 0 if diagonal == 0 else np.inf if rest == 0 else diagonal / rest
        assert snr == pytest.approx(expected)


def test_the_published_layer_of_three_label_clusters_has_an_snr_of_4_5():
    assert expected_snr(n_clusters=1, cluster_size=3, noise=0, labels=10) == 4.5
    # 500 filters with every label equally often: signal 150 and noise 33.3 an element.
    assert signal_to_noise(150 * 10, 500 * 6, labels=10) == 4.5
    assert 500 * 6 / 90 == pytest.approx(33.3, abs=0.05)


def test_the_expected_snr_is_that_of_equal_filters():
    # Clusters {0,1} and {2,3} of 6 labels and three ones outside.
    above = np.eye(6, dtype=bool) & (np.arange(6) < 4)
    above[[0, 1, 2, 3, 4, 5, 0], [1, 0, 3, 2, 0, 4, 2]] = True
    noise = measure_noise(above[None], find_clusters(above[None])).iloc[0]
    assert noise["snr"] == pytest.approx(expected_snr(n_clusters=2, cluster_size=2, noise=3, labels=6))


def test_expected_snr_is_infinite_without_noise_and_zero_without_signal():
    assert expected_snr(2, 1, 0, 10) == np.inf
    assert expected_snr(0, 0, 0, 10) == 0
    assert expected_snr(0, 0, 7, 10) == 0


def test_clusters_of_other_fields_are_refused():
    above = np.stack([np.eye(3, dtype=bool)] * 2)
    with pytest.raises(InvalidInput, match="clusters of unit 1 are not those of its diagonal"):
        measure_noise(above, np.array([[0, 1, 2], [0, 1, -1]]))


def test_clusters_of_another_shape_are_refused():
    with pytest.raises(InvalidInput, match=r"cluster_of has shape \(3,\); for above \(2, 3, 3\) it is \(2, 3\)"):
        measure_noise(np.zeros((2, 3, 3), bool), np.zeros(3, int))
