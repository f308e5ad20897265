"""The known answers of the definitions, and how hypothesis runs."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run; the first clique search imports networkx, longer than the default deadline.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")


@dataclass(frozen=True)
class KnownAnswer:
    field: np.ndarray
    greedy: list[set[int]]
    clique: list[set[int]]
    external_noise: tuple[int, int]
    column_noise: tuple[int, int]
    dead: bool = False


def one_cluster_of_three():
    field = np.zeros((10, 10))
    field[np.ix_([1, 5, 8], [1, 5, 8])] = 2
    return field


def with_noise_beside():
    field = one_cluster_of_three()
    field[3, 5] = field[3, 2] = 1
    return field


def with_ones(labels, *elements):
    field = np.zeros((labels, labels))
    for element in elements:
        field[element] = 1
    return field


def linked(labels, *pairs):
    return np.eye(labels) + with_ones(labels, *pairs) + with_ones(labels, *pairs).T


KNOWN_ANSWERS = {
    "one cluster": KnownAnswer(one_cluster_of_three(), [{1, 5, 8}], [{1, 5, 8}], (0, 0), (0, 0)),
    "noise beside it": KnownAnswer(with_noise_beside(), [{1, 5, 8}], [{1, 5, 8}], (2, 2), (1, 1)),
    "one-sided link": KnownAnswer(with_ones(4, (0, 0), (1, 1), (0, 1)), [{0}, {1}], [{0}, {1}], (1, 1), (1, 1)),
    "order matters": KnownAnswer(
        linked(4, (0, 1), (1, 2), (1, 3), (2, 3)), [{0, 1}, {2, 3}], [{1, 2, 3}, {0}], (4, 2), (4, 2)
    ),
    "dead": KnownAnswer(np.linspace(-2, -1, 9).reshape(3, 3), [], [], (0, 0), (0, 0), dead=True),
    "at the threshold": KnownAnswer(np.diag([1, 0.3, 0.31]), [{0}, {2}], [{0}, {2}], (0, 0), (0, 0)),
    "diagonal too low": KnownAnswer(np.diag([0.1, 0.1, 0]) + with_ones(3, (0, 1)), [], [], (1, 1), (0, 0)),
}


@pytest.fixture(params=KNOWN_ANSWERS.values(), ids=KNOWN_ANSWERS.keys())
def known(request):
    """One row of the table of known answers in the definitions."""
    return request.param
