import numpy as np
import pytest
from rich.cells import cell_len

from fm_keras_cli.matrix import Matrix

DIGITS = tuple("0123456789")


def digits_matrix():
    """Cluster {3, 8, 9}; noise at (8, 1) and (0, 2)."""
    above = np.zeros((10, 10), bool)
    above[np.ix_([3, 8, 9], [3, 8, 9])] = True
    above[8, 1] = above[0, 2] = True
    return Matrix(above, np.where(np.isin(np.arange(10), (3, 8, 9)), 0, -1), DIGITS, 0.3)


def lines(matrix, width):
    return [line.rstrip() for line in matrix.draw(width).plain.splitlines()]


def test_the_matrix_is_permuted_by_cluster_framed_and_its_noise_marked():
    drawn = lines(digits_matrix(), 100)

    assert drawn[0].split() == ["input", "\\", "output", "3", "8", "9", "0", "1", "2", "4", "5", "6", "7"]
    assert drawn[1] == "              3┃██   ██   ██┃  .    .    .    .    .    .    ."
    assert drawn[2] == "              8┃██   ██   ██┃  .    ▒•   .    .    .    .    ."
    assert drawn[4] == "              0 .    .    .    .    .    ▒•   .    .    .    ."
    assert drawn[-1].strip() == "█ above 0.3 of the maximum   ▒• noise   . below"
    assert len(drawn) == 12


def test_a_hundred_labels_show_clusters_and_the_noisiest_rows_and_say_what_is_left_out():
    above = np.zeros((100, 100), bool)
    above[np.ix_([40, 41], [40, 41])] = above[70, [40, 41]] = above[5, 6] = True
    cluster_of = np.full(100, -1)
    cluster_of[[40, 41]] = 0
    names = tuple(f"label_{number}" for number in range(100))

    drawn = lines(Matrix(above, cluster_of, names, 0.3), 60)

    assert [line.split("┃")[0].split()[0] for line in drawn[1:4]] == ["label_40", "label_41", "label_70"]
    assert "Left out: 92 labels with 0 noise elements" in drawn[-1]


@pytest.mark.parametrize("width", [60, 100, 160])
@pytest.mark.parametrize("labels", [2, 10, 100, 1000])
def test_no_row_is_wider_than_the_terminal(width, labels, rng):
    above = rng.random((labels, labels)) > 0.7
    np.fill_diagonal(above, True)
    names = tuple(f"a label with a long name {number}" for number in range(labels))
    cluster_of = np.where(np.arange(labels) < 2, [0, 1][:1] * labels, -1)

    drawn = lines(Matrix(above, cluster_of, names, 0.3), width)

    assert max(map(len, drawn[:-1])) <= width


def test_a_dead_filter_is_drawn_without_marks():
    drawn = lines(Matrix(np.zeros((3, 3), bool), np.full(3, -1), ("a", "b", "c"), 0.3), 80)

    assert drawn[1:4] == [f"{name:>15} .    .    ." for name in "abc"]


def test_names_with_line_breaks_and_wide_letters_keep_rows_and_columns():
    names = ("new\nline\x1b[31m", "\u732b" * 12, "c")

    head, *rows, _ = lines(Matrix(np.zeros((3, 3), bool), np.full(3, -1), names, 0.3), 50)

    assert [row.split(" .")[0].strip() for row in rows] == ["new line [31m 0", "\u732b" * 8 + " 1", "c 2"]
    assert {cell_len(row.split(" .")[0]) for row in rows} == {cell_len(head.split(" 0")[0])}
