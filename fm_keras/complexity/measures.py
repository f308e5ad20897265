"""How hard it is to tell the classes of labeled points apart: numbers, each with its definition.

A measure takes points (N, D), further axes being flattened, and N whole labels of any number of classes.  Distances
are Euclidean, duplicates count, ties go to the smaller index.  Sources: [HB] T. K. Ho and M. Basu, IEEE TPAMI 24, 289
(2002), doi:10.1109/34.990132; [L] A. C. Lorena et al., ACM Comput. Surv. 52, 107 (2019), doi:10.1145/3347711; [C] T. K.
Ho, "Complexity of Representations in Deep Learning", arXiv:2209.00525; [F] E. Facco et al., Sci. Rep. 7, 12140 (2017),
doi:10.1038/s41598-017-11873-y.
"""

from __future__ import annotations

import numpy as np

from fm_keras.complexity.distances import Cloud, slices
from fm_keras.complexity.fisher import fisher_ratio
from fm_keras.complexity.linear import leave_one_out_error
from fm_keras.complexity.neighbors import Neighborhood, neighborhood, two_nearest
from fm_keras.complexity.plan import AT_ONCE
from fm_keras.complexity.points import check_labels, check_points, scaled
from fm_keras.complexity.ratio import Ratio
from fm_keras.complexity.spheres import count_spheres
from fm_keras.errors import InvalidInput

_KEPT = 0.9  # of [F]: the largest tenth of the ratios is left out


def n1(points: np.ndarray, labels: np.ndarray) -> float:
    """Share of points that touch an edge of the minimum spanning tree between two classes.

    0: classes lie apart, and 0 where there is one class; 1: every point is on a border.  Of edges of equal length the
    tree has those with the smaller points, see `spanning_tree`.  Cost: N^2 D.  Source: [HB, C].

    Raises:
        InvalidInput: as `neighborhood`.
    """
    return Geometry(points, labels, tree=True).n1().value


def n1_edges(points: np.ndarray, labels: np.ndarray) -> float:
    """Share of the N - 1 edges of the minimum spanning tree that join two classes.

    From 0 to 1, and 0 for a single point.  Some packages divide by N, or give half of it.  Cost: N^2 D.  Source: [L].

    Raises:
        InvalidInput: as `neighborhood`.
    """
    return Geometry(points, labels, tree=True).n1_edges().value


def n2(points: np.ndarray, labels: np.ndarray) -> float:
    """Sum of the distances to the nearest point of the same class over that to the nearest of another class.

    From 0, small where classes are compact and apart, without an upper bound; infinite where every point has a
    duplicate of another class.  A point that is alone in its class is left out of both sums.  [L] gives
    n2 / (1 + n2).  Cost: N^2 D.  Source: [HB].

    Raises:
        InvalidInput: as `neighborhood`; one class; no class of two points; all distances zero.
    """
    return Geometry(points, labels).n2().value


def n3(points: np.ndarray, labels: np.ndarray) -> float:
    """Error of the nearest-neighbor rule, every point being classified by all others.

    From 0 to 1, and 0 where there is one class.  Of equally near points the one with the smaller index decides.
    Cost: N^2 D.  Source: [HB].

    Raises:
        InvalidInput: as `neighborhood`; a single point.
    """
    return Geometry(points, labels).n3().value


def t1(points: np.ndarray, labels: np.ndarray) -> float:
    """Spheres that it takes to cover all points, divided by N.

    A sphere stands on a point and holds the points of its class that are nearer than the nearest point of another
    class.  They are chosen greedily: always a point not covered yet whose sphere holds most such points.  From K / N,
    classes in one piece, to 1, every point on its own.  [HB] and packages differ in radii and in what is counted.
    Cost: N^2 D, and memory of the square of the largest class in bytes.  Source: [HB, L].

    Raises:
        InvalidInput: as `neighborhood`.
    """
    return Geometry(points, labels).t1()


def f1(points: np.ndarray, labels: np.ndarray) -> float:
    """1 / (1 + r), r the largest Fisher ratio of a coordinate: spread between class means over spread within classes.

    `r = sum over classes of n_c (m_c - m)^2 / sum over points of (x - m_c)^2`; a constant coordinate has r = 0.  Near
    0: one coordinate tells the classes apart; 1: the means of all classes are the same.  Cost: N D.  Source: [L].

    Raises:
        InvalidInput: as `neighborhood`; one class.
    """
    return Geometry(points, labels).f1()


def linear_error(points: np.ndarray, labels: np.ndarray) -> float:
    """Error of a linear classifier, every point being classified by a fit to all others.

    The classifier is ridge regression on the classes, with a bias that has no ridge; of ridges of 0.001, 0.01, 0.1 and
    1 times the mean squared distance of the points from their mean that with the least squared error is taken.  A tie
    with another class is an error.  From 0, a plane tells all, to 1, and 0 where there is one class.  Unlike a probe it
    needs no training, and sees only these N points: where D is larger, a probe of more images may find a better plane.
    Cost: N D min(N, D), and memory of 16 N (D + min(N, D)) bytes.  Source: ours, for the linear measures of [L].

    Raises:
        InvalidInput: as `neighborhood`; a single point.
    """
    return Geometry(points, labels).linear_error()


def intrinsic_dimension(points: np.ndarray, labels: np.ndarray | None = None) -> float:
    """How many directions the points fill, from the distances to their two nearest neighbors (TwoNN).

    The slope through the origin of -log(1 - F) over log(r2 / r1), where F is the share of points with a smaller ratio
    and the largest tenth of the ratios is left out.  From 0 without an upper bound; infinite where both neighbors are
    equally near everywhere, as on a grid.  Duplicates count once; labels play no part.  Cost: 2 N^2 D.  Source: [F].

    Raises:
        InvalidInput: as `neighborhood`; fewer than three distinct points.
    """
    return Geometry(points, np.zeros(len(points), np.int64)).intrinsic_dimension()


class Geometry:
    """Labeled points and what their distances say: computed once, shared by several measures.

    Args:
        points: (N, D) numbers; further axes are flattened.
        labels: (N,) whole numbers.
        tree: whether the minimum spanning tree will be asked for.
        memory_limit: GB beyond the points themselves, see `plan_tree`.
        cloud_type: where distances are computed, see `neighborhood`.

    Raises:
        InvalidInput: as `neighborhood`.
    """

    def __init__(
        self,
        points: np.ndarray,
        labels: np.ndarray,
        *,
        tree: bool = False,
        memory_limit: float = 2.0,
        cloud_type: type[Cloud] = Cloud,
    ) -> None:
        self.points = scaled(check_points(points))[0]  # every measure is a ratio
        self.labels = check_labels(labels, len(self.points))
        self._tree, self._memory_limit, self._cloud_type, self._found = tree, memory_limit, cloud_type, None

    @property
    def found(self) -> Neighborhood:
        """Neighbors and, where it was announced, the tree."""
        if self._found is None:
            how = {"memory_limit": self._memory_limit, "cloud_type": self._cloud_type}
            self._found = neighborhood(self.points, self.labels, tree=self._tree, **how)
        return self._found

    def n1(self) -> Ratio:
        """See `n1`; a term is a point."""
        touches = np.zeros(len(self.points))
        touches[self.found.tree.edges[self._crossing()]] = 1
        return Ratio(touches, np.ones(len(touches)))

    def n1_edges(self) -> Ratio:
        """See `n1_edges`; a term is an edge."""
        crossing = self._crossing()
        return Ratio(crossing.astype(float), np.ones(len(crossing)))

    def n2(self) -> Ratio:
        """See `n2`; a term is a point."""
        self._check_two_classes("n2")
        same, other = self.found.same.distance, self.found.other.distance
        paired = np.isfinite(same)
        if not paired.any():
            raise InvalidInput("n2 takes a class of two points or more; every point is alone in its class.")
        if not other[paired].any() and not same[paired].any():
            raise InvalidInput("n2 is zero by zero: every point has duplicates in its own and in another class.")
        return Ratio(same[paired], other[paired])

    def n3(self) -> Ratio:
        """See `n3`; a term is a point."""
        self._check_two_points("n3")
        wrong = self.labels[self.found.nearest.index] != self.labels
        return Ratio(wrong.astype(float), np.ones(len(wrong)))

    def t1(self) -> float:
        """See `t1`."""
        radii = self.found.other.distance
        return count_spheres(self.points, self.labels, radii, cloud_type=self._cloud_type) / len(self.points)

    def f1(self) -> float:
        """See `f1`."""
        self._check_two_classes("f1")
        parts = slices(self.points.shape[1], max(1, AT_ONCE // len(self.points)))
        return 1 / (1 + max(fisher_ratio(self.points[:, part], self.labels) for part in parts))

    def linear_error(self) -> float:
        """See `linear_error`."""
        self._check_two_points("linear_error")
        return leave_one_out_error(self.points, self.labels)

    def intrinsic_dimension(self) -> float:
        """See `intrinsic_dimension`."""
        nearest, second = two_nearest(self.points, cloud_type=self._cloud_type)
        if len(nearest) < 3:
            raise InvalidInput(f"intrinsic_dimension takes three distinct points; there are {len(nearest)}.")
        ratios = np.sort(np.log(second / nearest))
        kept = max(1, int(_KEPT * len(ratios)))
        expected = -np.log1p(-np.arange(1, kept + 1) / len(ratios))
        spread = np.square(ratios[:kept]).sum()
        return float(ratios[:kept] @ expected / spread) if spread > 0 else float("inf")

    def _crossing(self) -> np.ndarray:
        """Which edges of the tree join two classes."""
        ends = self.labels[self.found.tree.edges]
        return ends[:, 0] != ends[:, 1]

    def _check_two_classes(self, measure: str) -> None:
        if self.labels.max() == 0:
            raise InvalidInput(f"{measure} compares classes, and all {len(self.labels):,} points are of one.")

    def _check_two_points(self, measure: str) -> None:
        if len(self.points) == 1:
            raise InvalidInput(f"{measure} takes two points or more: there is no other to classify a single one by.")
