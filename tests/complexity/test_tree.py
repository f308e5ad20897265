import numpy as np

from fm_keras.complexity.tree import lightest_edges, ordered_tree


def test_edges_of_equal_length_are_taken_in_the_order_of_their_points():
    edges = np.array([[2, 1], [2, 0], [1, 0]])

    assert lightest_edges(3, edges, np.ones(3)).tolist() == [1, 2]


def test_edges_of_length_zero_are_edges():
    assert lightest_edges(3, np.array([[0, 1], [1, 2], [0, 2]]), np.zeros(3)).tolist() == [0, 2]


def test_a_tree_lists_its_edges_by_length_and_then_by_points():
    tree = ordered_tree(np.array([[3, 0], [2, 1], [0, 1]]), np.array([4.0, 1.0, 4.0]))

    assert tree.edges.tolist() == [[1, 2], [0, 1], [0, 3]]
    assert tree.lengths.tolist() == [1, 2, 2]
