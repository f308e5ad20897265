"""Clusters: the groups of labels that a unit speaks for."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.filters.fields import check_square

ClusterMethod = Literal["greedy", "clique"]

Cluster = list[int]

NO_CLUSTER = -1

# Of one unit: 4 to 16 seconds.  Fields of 10 labels need hundreds, structured ones of 100 labels some thousands.
_MAX_CLIQUES = 500_000


def find_clusters(above: np.ndarray, method: ClusterMethod = "greedy") -> np.ndarray:
    """Partition the labels on each unit's diagonal into clusters, square blocks of ones.

    Labels i and j may share a cluster if above[i, j] and above[j, i] are both set.

    `greedy`, the published rule: the first free label starts a cluster, each later free label joins if the whole
    block stays all ones, repeat.  The result depends on the order of the labels.

    `clique` (ours): the largest clique first, and among equally large ones the one that leaves the larger clusters:
    the sizes, largest first, are the lexicographically greatest of all partitions.  They, and with them every noise,
    do not depend on the order of the labels; which labels share a cluster can, among equals.  The search is
    exponential in the worst case, and ends with an error where it gets there.

    Args:
        above: (U, K, K) bool, from `threshold_fields`.
        method: greedy or clique.

    Returns:
        (U, K) int, the cluster of every label, numbered from 0 in the order found; -1 for none.

    Raises:
        InvalidInput: an unknown method, a wrong shape or dtype, a clique search that would take too long.

    Source: arXiv:2305.18078 (greedy).
    """
    above = np.asarray(above)
    check_above(above)
    if method not in get_args(ClusterMethod):
        raise InvalidInput(f"There is no method {method!r}. Methods: {', '.join(get_args(ClusterMethod))}.")
    mutual = above & above.swapaxes(1, 2)
    return _greedy(mutual) if method == "greedy" else _clique(mutual)


def check_above(above: np.ndarray) -> None:
    """Raise InvalidInput unless `above` is (U, K, K) bool."""
    check_square("above", above)
    if above.dtype != bool:
        raise InvalidInput(f"above is {above.dtype}; it must be bool: threshold_fields(fields) makes it.")


def _greedy(mutual: np.ndarray) -> np.ndarray:
    """All units in lockstep: each step places one label of every unit that has a free one."""
    free = mutual.diagonal(axis1=1, axis2=2).copy()
    candidates = np.zeros_like(free)
    current = np.full(len(free), NO_CLUSTER)
    cluster_of = np.full(free.shape, NO_CLUSTER)
    while free.any():
        starts = ~candidates.any(axis=1)
        pool = np.where(starts[:, None], free, candidates)
        unit = np.flatnonzero(pool.any(axis=1))
        label = pool[unit].argmax(axis=1)
        current[unit] += starts[unit]
        cluster_of[unit, label] = current[unit]
        free[unit, label] = False
        pool[unit, label] = False
        candidates[unit] = pool[unit] & mutual[unit, label]
    return cluster_of


def _clique(mutual: np.ndarray) -> np.ndarray:
    """One unit after the other."""
    cluster_of = np.full(mutual.shape[:2], NO_CLUSTER)
    for unit, links in enumerate(mutual):
        for number, cluster in enumerate(_CliqueSearch(unit, links).clusters()):
            cluster_of[unit, cluster] = number
    return cluster_of


class _CliqueSearch:
    """Partition of one unit's labels into cliques whose sizes, largest first, are lexicographically greatest."""

    def __init__(self, unit: int, links: np.ndarray) -> None:
        import networkx as nx

        on_diagonal = links.diagonal()
        self._graph = nx.Graph(np.argwhere(links & on_diagonal & on_diagonal[:, None]).tolist())
        self._unit = unit
        self._known: dict[frozenset[int], list[Cluster]] = {}
        self._seen = 0

    def clusters(self) -> list[Cluster]:
        return self._split(frozenset(self._graph))

    def _split(self, labels: frozenset[int]) -> list[Cluster]:
        import networkx as nx

        if labels not in self._known:
            # Labels without a path between them never meet in a clique: split apart, far fewer ties are tried.
            parts = nx.connected_components(self._graph.subgraph(labels))
            found = [cluster for part in parts for cluster in self._split_connected(part)]
            self._known[labels] = sorted(found, key=_largest_first)
        return self._known[labels]

    def _split_connected(self, part: set[int]) -> list[Cluster]:
        largest = self._largest_cliques(part)
        size = len(largest[0])
        if size == 2:
            return self._pairs(part)
        full, rest = divmod(len(part), size)
        ideal = [size] * full + [rest] * (rest > 0)
        best: list[Cluster] = []
        for clique in largest:
            best = max(best, [clique, *self._split(frozenset(part.difference(clique)))], key=_sizes)
            if _sizes(best) == ideal:
                break
        return best

    def _largest_cliques(self, part: set[int]) -> list[Cluster]:
        import networkx as nx

        largest: list[Cluster] = [[]]
        for clique in nx.find_cliques(self._graph.subgraph(part)):
            self._seen += 1
            if self._seen > _MAX_CLIQUES:
                raise InvalidInput(
                    f"The clique search of unit {self._unit} takes too long, with {len(self._graph)} labels on its "
                    f"diagonal; method='greedy' has no such limit."
                )
            if len(clique) > len(largest[0]):
                largest = []
            if not largest or len(clique) == len(largest[0]):
                largest.append(sorted(clique))
        return sorted(largest)

    def _pairs(self, part: set[int]) -> list[Cluster]:
        """Without triangles the best partition is a maximum matching, which needs no search."""
        import networkx as nx

        pairs = nx.max_weight_matching(self._graph.subgraph(part), maxcardinality=True)
        return [sorted(pair) for pair in pairs] + [[label] for label in part.difference(*pairs)]


def _sizes(clusters: list[Cluster]) -> list[int]:
    return [len(cluster) for cluster in clusters]


def _largest_first(cluster: Cluster) -> tuple[int, Cluster]:
    return -len(cluster), cluster
