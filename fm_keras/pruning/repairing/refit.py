"""Least squares that make one kernel do, with what it reads now, what another did with what it read before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from fm_keras.pruning.repairing.patches import Inputs
from fm_keras.settings import RepairSettings

_HELD_OUT = 5  # every fifth image says what is better

_ROUNDING = 1e-5  # of a sum of squares: float32 tells no less of many samples


def split_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the images that are fitted, and of those that are held out."""
    order = np.random.default_rng(seed).permutation(count)
    return np.delete(order, np.s_[::_HELD_OUT]), order[::_HELD_OUT]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over samples that least squares need, for inputs (F,) and targets (O,)."""

    inputs: np.ndarray
    """(F, F)"""
    cross: np.ndarray
    """(F, O)"""
    targets: float
    """sum of squares"""

    @classmethod
    def of(cls, x: np.ndarray, targets: np.ndarray) -> Moments:
        """Of inputs (n, F) and targets (n, O)."""
        squares = float(np.square(targets, dtype=float).sum())
        return cls((x.T @ x).astype(float), (x.T @ targets).astype(float), squares)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.inputs + other.inputs, self.cross + other.cross, self.targets + other.targets)

    def residual(self, kernel: np.ndarray) -> float:
        """Sum of squares that a kernel (F, O) leaves."""
        explained = (kernel * (2 * self.cross - self.inputs @ kernel)).sum()
        return float(self.targets - explained)


@dataclass(frozen=True, eq=False)
class Clip:
    """What follows a layer and cuts off what it puts out: scale * output + shift from 0 to `high`."""

    scale: np.ndarray
    """(O,)"""
    shift: np.ndarray
    """(O,)"""
    high: float = np.inf

    def part(self, number: int, groups: int) -> Clip:
        """For one group of a grouped convolution."""
        scale, shift = (np.split(each, groups)[number] for each in (self.scale, self.shift))
        return Clip(scale, shift, self.high)

    def relax(self, targets: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Targets (n, O) moved to what is put out (n, O) where both are cut off alike."""
        scale = np.where(self.scale == 0, 1, self.scale)
        after, now = scale * targets + self.shift, scale * outputs + self.shift
        relaxed = np.where(after <= 0, np.minimum(now, 0), after)
        relaxed = np.where(after >= self.high, np.maximum(now, self.high), relaxed)
        return np.where(self.scale == 0, targets, (relaxed - self.shift) / scale)


class Samples:
    """Inputs and targets of one kernel.

    Args:
        inputs: of the kernel.
        targets: (N, ...) what its layer shall put out.
        seed: seed of the choice of images that are held out.
    """

    def __init__(self, inputs: Inputs, targets: np.ndarray, *, seed: int) -> None:
        self.inputs, self._targets = inputs, targets
        self.fitted, self.held_out = split_images(len(targets), seed)
        self.all = np.concatenate([self.held_out, self.fitted])

    def blocks(self, images: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Inputs (n, F) and targets (n, O) of some images, a few thousand at a time."""
        inputs = self.inputs
        for some, x in inputs.blocks(images):
            yield x, inputs.part(inputs.patches.outputs_at(self._targets, some, inputs.positions[some]))

    def moments(self, images: np.ndarray) -> Moments:
        """Sums over some images."""
        return sum((Moments.of(*block) for block in self.blocks(images)), Moments(0, 0, 0.0))


def fit_kernel(
    samples: Samples,
    start: np.ndarray,
    *,
    clip: Clip | None,
    settings: RepairSettings,
) -> np.ndarray:
    """Kernel whose outputs are nearest to the targets.

    Minimizes over V the sum of |x V - t|^2 + ridge * mean variance of the inputs * |V - start|^2, the ridge chosen on
    held-out images; where none is better there, the kernel stays.  Where the next layer cuts off what is negative
    (or too large), the output only needs to be negative as well: t is then moved to the output, if that is negative,
    and V fitted again, some steps with Nesterov's momentum down a convex upper bound of the squared error behind the
    ReLU.  Where every input is constant, the bias alone is fitted.

    Args:
        samples: inputs and targets.
        start: (F, O) kernel as it is, the bias in the last row if samples have one.
        clip: what is cut off behind the layer, if anything.
        settings: ridges, number of steps.

    Returns:
        (F, O) float64.

    Source: refit of the next layer, arXiv:1707.06168; what ReLU leaves open, arXiv:1505.06798; the relaxation and the
    ridge toward the kernel as it is are *ours*.
    """
    fitted, held_out = samples.moments(samples.fitted), samples.moments(samples.held_out)
    everything = fitted + held_out
    spread = _spread(everything.inputs, bias=samples.inputs.bias)
    if spread == 0:
        better = samples.inputs.bias and held_out.residual(_shifted(fitted, start)) < held_out.residual(start)
        return _shifted(everything, start) if better else start
    solutions = {ridge: _Solver(fitted.inputs, start, ridge * spread).solve(fitted.cross) for ridge in settings.ridges}
    residuals = {ridge: held_out.residual(kernel) for ridge, kernel in solutions.items()}
    best = min(residuals, key=residuals.get)
    if held_out.residual(start) <= residuals[best]:
        return start
    solver = _Solver(everything.inputs, start, best * spread)
    kernel = solver.solve(everything.cross)
    return kernel if clip is None else _relaxed(samples, kernel, clip, solver, settings.steps)


class _Solver:
    """Solves the normal equations with a ridge toward the kernel as it is."""

    def __init__(self, inputs: np.ndarray, start: np.ndarray, ridge: float) -> None:
        penalties = np.full(len(inputs), ridge)
        self._factors = scipy.linalg.lu_factor(inputs + np.diag(penalties))
        self._toward = penalties[:, None] * start

    def solve(self, cross: np.ndarray) -> np.ndarray:
        return scipy.linalg.lu_solve(self._factors, cross + self._toward)


def _relaxed(samples: Samples, kernel: np.ndarray, clip: Clip, solver: _Solver, steps: int) -> np.ndarray:
    """The kernel after some steps of fits to targets moved to where both are cut off, with Nesterov's momentum."""
    ahead, pace = kernel, 1.0
    for _ in range(steps):
        cross = 0
        for x, targets in samples.blocks(samples.all):
            relaxed = clip.relax(targets, x @ ahead.astype(np.float32))
            cross = cross + (x.T @ relaxed.astype(np.float32)).astype(float)
        before, kernel = kernel, solver.solve(cross)
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead, pace = kernel + (pace - 1) / faster * (kernel - before), faster
    return kernel


def _shifted(moments: Moments, start: np.ndarray) -> np.ndarray:
    """The kernel with the bias that fits best, all else as it is."""
    shifted = start.astype(float)
    shifted[-1] += (moments.cross[-1] - moments.inputs[-1] @ start) / moments.inputs[-1, -1]
    return shifted


def _spread(inputs: np.ndarray, *, bias: bool) -> float:
    """Mean over the inputs of the sum of squares about their mean; 0 if that is rounding alone."""
    squares = np.diag(inputs)
    if not bias:
        return float(squares.mean())
    spread = (squares - inputs[-1] ** 2 / inputs[-1, -1])[:-1].mean()
    return float(spread) if spread > _ROUNDING * squares[:-1].mean() else 0.0
