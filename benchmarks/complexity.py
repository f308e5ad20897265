"""Exact n1 and n3 against a bare matrix product, SciPy, problexity and pymfe; and the memory of 50,000 points.

problexity and pymfe are compared with where they are installed (problexity is under the GPL: fm_keras never imports
it).  `--quick` leaves out the 50,000 points.
"""

import time
from importlib.util import find_spec
from pathlib import Path

from timing import arguments, machine, medians, show

options = arguments(__doc__)

import numpy as np  # noqa: E402
from scipy.sparse.csgraph import minimum_spanning_tree  # noqa: E402
from scipy.spatial.distance import cdist  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from fm_keras.complexity import measure_points, neighborhood  # noqa: E402


def classes(count: int, width: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Points like activations behind a ReLU, in overlapping classes."""
    rng = np.random.default_rng(0)
    of = rng.integers(0, labels, count)
    points = rng.normal(size=(count, width)).astype(np.float32)
    points += 0.5 * rng.normal(size=(labels, width)).astype(np.float32)[of]
    return np.maximum(points, 0), of


def against_scipy(count: int, width: int) -> None:
    """Tree and neighbors together, against what each costs elsewhere."""
    points, labels = classes(count, width, 10)
    other = points.copy()  # points @ points.T would be taken for a symmetric product, at half the cost
    tasks = {
        "matrix product": lambda: points @ other.T,
        "symmetric matrix product": lambda: points @ points.T,
        "n1 and n3": lambda: measure_points(points, labels, ["n1", "n3"]),
        "scikit-learn, nearest neighbors": lambda: NearestNeighbors(n_neighbors=1).fit(points).kneighbors(),
    }
    seconds = medians(tasks, repeats=5)
    start = time.perf_counter()
    minimum_spanning_tree(cdist(points, points))
    seconds["SciPy, tree of the dense matrix (once)"] = time.perf_counter() - start
    target = "n1 and n3 within 2.5 of the matrix product; SciPy's tree at least 15 times slower"
    show(f"{count:,} points of {width} coordinates", seconds, "n1 and n3", target=target)


def against_packages(count: int, width: int) -> None:
    """The same number from packages for data complexity."""
    points, labels = classes(count, width, 2)
    tasks = {"n1 and n3": lambda: measure_points(points, labels, ["n1", "n3"])}
    if find_spec("problexity"):
        import problexity

        tasks["problexity, n1"] = lambda: problexity.n1(points, labels)
        tasks["problexity, n1 and n3"] = lambda: (problexity.n1(points, labels), problexity.n3(points, labels))
    if find_spec("pymfe"):
        from pymfe.complexity import MFEComplexity

        tasks["pymfe, n1 of Gower distances, its default"] = lambda: MFEComplexity.ft_n1(points, labels)
        euclidean = {"metric": "minkowski", "p": 2}  # it hands p to SciPy, which takes none with "euclidean"
        tasks["pymfe, n1 of Euclidean distances"] = lambda: MFEComplexity.ft_n1(points, labels, **euclidean)
    seconds = medians(tasks, repeats=5)
    target = "problexity at least 100 times slower"
    show(f"{count:,} points of {width} coordinates, two classes", seconds, "n1 and n3", target=target)


def large(count: int, width: int) -> None:
    """Time, and peak memory beyond the points: Linux lets a process reset its peak when they are there."""
    points, labels = classes(count, width, 10)
    neighborhood(points[:300], labels[:300])  # what the libraries take once
    Path("/proc/self/clear_refs").write_text("5")
    before, start = _gigabytes("VmRSS"), time.perf_counter()
    neighborhood(points, labels)
    seconds, beyond = time.perf_counter() - start, _gigabytes("VmHWM") - before
    print(f"\n### {count:,} points of {width} coordinates\n\n| seconds | GB beyond the points |\n| --- | --- |")
    print(f"| {seconds:.3g} | {beyond:.2f} |\n\nTarget: below 1.5 GB. {machine()}.")


def _gigabytes(name: str) -> float:
    """VmRSS, the memory of this process, or VmHWM, its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1e6


if options.quick:
    against_packages(300, 64)
    against_scipy(1500, 64)
else:
    large(50_000, 512)
    against_packages(1000, 512)
    against_scipy(10_000, 512)
