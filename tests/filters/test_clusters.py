import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fm_keras.errors import InvalidInput
from fm_keras.filters import NO_CLUSTER, clusters, find_clusters, threshold_fields

METHODS = ["greedy", "clique"]


def masks(max_labels, max_units=3, min_units=1):
    """(U, K, K) bool with many ones, so that clusters of several labels occur."""
    units = st.integers(min_units, max_units)
    shapes = st.integers(1, max_labels).flatmap(lambda k: st.tuples(units, st.just(k), st.just(k)))
    return shapes.flatmap(lambda shape: arrays(int, shape, elements=st.integers(0, 3))).map(lambda a: a > 0)


def sets(cluster_of):
    """Clusters of one unit as sets of labels, in the order of their numbers."""
    return [set(np.flatnonzero(cluster_of == number).tolist()) for number in range(cluster_of.max() + 1)]


def sizes(cluster_of):
    return sorted(map(len, sets(cluster_of)), reverse=True)


def is_block(above, labels):
    return all(above[i, j] for i in labels for j in labels)


def literal_greedy(above):
    """The published rule, word for word."""
    free = [label for label in range(len(above)) if above[label, label]]
    found = []
    while free:
        cluster = [free.pop(0)]
        for label in list(free):
            if is_block(above, [*cluster, label]):
                cluster.append(label)
                free.remove(label)
        found.append(set(cluster))
    return found


def partitions(labels):
    if not labels:
        yield []
        return
    head, *rest = labels
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            for tail in partitions([label for label in rest if label not in others]):
                yield [[head, *others], *tail]


def best_sizes(above):
    """Greatest sizes, largest first, of all partitions of the diagonal into blocks of ones."""
    labels = np.flatnonzero(above.diagonal()).tolist()
    valid = (parts for parts in partitions(labels) if all(is_block(above, part) for part in parts))
    return max(sorted(map(len, parts), reverse=True) for parts in valid)


def path_of_four(order):
    """Four labels in a row, each linked to the next: taking the middle pair first strands the ends."""
    above = np.eye(4, dtype=bool)
    for i, j in itertools.pairwise(order):
        above[i, j] = above[j, i] = True
    return above[None]


@pytest.mark.parametrize("method", METHODS)
def test_known_clusters_are_found(known, method):
    found = find_clusters(threshold_fields(known.field[None]), method)
    assert sets(found[0]) == getattr(known, method)


@given(masks(7))
def test_greedy_equals_the_published_rule_word_for_word(above):
    for unit, cluster_of in enumerate(find_clusters(above)):
        assert sets(cluster_of) == literal_greedy(above[unit])


def test_greedy_equals_the_published_rule_for_many_units_and_labels(rng):
    above = rng.random((40, 30, 30)) < rng.uniform(0.2, 1, (40, 1, 1))
    for unit, cluster_of in enumerate(find_clusters(above)):
        assert sets(cluster_of) == literal_greedy(above[unit])


@pytest.mark.parametrize("method", METHODS)
@given(above=masks(6))
def test_clusters_are_blocks_of_ones_that_partition_the_ones_of_the_diagonal(method, above):
    for ones, cluster_of in zip(above, find_clusters(above, method), strict=True):
        np.testing.assert_array_equal(cluster_of != NO_CLUSTER, ones.diagonal())
        assert all(cluster and is_block(ones, cluster) for cluster in sets(cluster_of))


@pytest.mark.parametrize("method", METHODS)
@given(above=masks(6, min_units=3), order=st.permutations(range(3)))
def test_permuting_units_permutes_rows(method, above, order):
    np.testing.assert_array_equal(find_clusters(above[order], method), find_clusters(above, method)[order])


@given(masks(6, max_units=1))
@example(path_of_four([0, 1, 2, 3]))
@example(path_of_four([2, 0, 1, 3]))
def test_clique_sizes_are_the_greatest_of_all_partitions(above):
    assert [len(cluster) for cluster in sets(find_clusters(above, "clique")[0])] == best_sizes(above[0])


@given(masks(9, max_units=1), st.randoms(use_true_random=False))
@example(path_of_four([2, 0, 1, 3]), None)
def test_clique_sizes_do_not_depend_on_the_order_of_labels(above, random):
    order = list(range(above.shape[1]))
    order.reverse() if random is None else random.shuffle(order)
    permuted = above[:, order][:, :, order]
    assert sizes(find_clusters(permuted, "clique")[0]) == sizes(find_clusters(above, "clique")[0])


def test_tied_triangles_leave_the_larger_clusters_behind():
    # Triangles {0,1,2}, {0,3,4}, {1,5,6}: taking the first one leaves only pairs.
    above = np.eye(7, dtype=bool)
    for triangle in ([0, 1, 2], [0, 3, 4], [1, 5, 6]):
        above[np.ix_(triangle, triangle)] = True
    assert sets(find_clusters(above[None], "clique")[0]) == [{0, 3, 4}, {1, 5, 6}, {2}]


def test_greedy_depends_on_the_order_of_labels():
    assert sizes(find_clusters(path_of_four([0, 1, 2, 3]))[0]) == [2, 2]
    assert sizes(find_clusters(path_of_four([2, 0, 1, 3]))[0]) == [2, 1, 1]


def test_a_clique_search_without_end_is_refused(rng, monkeypatch):
    monkeypatch.setattr(clusters, "_MAX_CLIQUES", 50)
    above = rng.random((2, 30, 30)) < 0.7
    above[0] = False
    above[1] |= np.eye(30, dtype=bool)
    with pytest.raises(InvalidInput, match=r"unit 1 takes too long, with 30 labels .* method='greedy'"):
        find_clusters(above, "clique")


@pytest.mark.parametrize("method", METHODS)
def test_no_units_have_no_clusters(method):
    assert find_clusters(np.zeros((0, 3, 3), bool), method).shape == (0, 3)


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"no method 'best'\. Methods: greedy, clique"):
        find_clusters(np.ones((1, 2, 2), bool), "best")


def test_raw_fields_are_refused():
    with pytest.raises(InvalidInput, match="above is float64; it must be bool"):
        find_clusters(np.ones((1, 2, 2)))


def test_a_single_matrix_is_refused():
    with pytest.raises(InvalidInput, match=r"above has shape \(2, 2\)"):
        find_clusters(np.ones((2, 2), bool))


def test_importing_filters_imports_no_heavy_package():
    code = "import sys, fm_keras.filters; print([m for m in ('networkx', 'keras', 'tensorflow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
