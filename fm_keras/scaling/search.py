"""Least squares in log space: linear parameters are solved for, shapes are searched for on a grid and polished.

Source: variable projection, G. H. Golub and V. Pereyra (1973), doi:10.1137/0710036.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from fm_keras.scaling.curve import Curve
from fm_keras.scaling.forms import Form, Quantity

_STEPS = {1: 201, 2: 65}
_STARTS = 2
_ZOOMS = 8
_ENOUGH = 0.1
_FEW = 30
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Fits:
    """The best linear parameters of each of C shapes."""

    shapes: np.ndarray
    """(C, s)"""
    linear: np.ndarray
    """(C, b)"""
    spread: np.ndarray
    """(C, b, b) their covariance for noise of variance one"""
    squares: np.ndarray
    """(C,) weighted squares of the residuals, summed"""

    def __getitem__(self, chosen: np.ndarray | slice) -> Fits:
        return Fits(self.shapes[chosen], self.linear[chosen], self.spread[chosen], self.squares[chosen])

    def joined(self, other: Fits) -> Fits:
        """These and the other ones."""
        pairs = [(getattr(self, name), getattr(other, name)) for name in ("shapes", "linear", "spread", "squares")]
        return Fits(*(np.concatenate(pair) for pair in pairs))

    def value(self, quantity: Quantity) -> np.ndarray:
        """(C,) a number of the law, for each shape."""
        return quantity.finish(np.einsum("cb,cb->c", quantity.vector, self.linear) + quantity.offset)


def solve(form: Form, curve: Curve, shapes: np.ndarray) -> Fits:
    """Fit the linear parameters of a form for each of C shapes (C, s)."""
    shape = form.shape(curve.log_width, shapes, curve.log_width[-1])
    weighted = shape.matrix * curve.weights[:, None]
    spread = np.linalg.inv(np.swapaxes(weighted, 1, 2) @ shape.matrix)
    target = curve.log_error - shape.offset
    linear = np.einsum("cbd,cwd,cw->cb", spread, weighted, target)
    residual = target - np.einsum("cwb,cb->cw", shape.matrix, linear)
    return Fits(shapes, linear, spread, np.square(residual) @ curve.weights)


def best_fit(form: Form, curve: Curve, exponent: float) -> Fits:
    """The one best fit of a form.

    Args:
        form: of the law.
        curve: at least as many widths as the form has parameters.
        exponent: of the plain power law.

    Returns:
        One fit: the best of a grid over all shapes, and of least squares started from several of its cells.
    """
    limits = form.limits(curve.log_width, exponent)
    if not len(limits):
        return solve(form, curve, np.empty((1, 0)))
    cells = solve(form, curve, _grid(limits))
    order = cells.squares.argsort()
    root = np.sqrt(curve.weights)

    def residuals(shape: np.ndarray) -> np.ndarray:
        fit = solve(form, curve, shape[None])
        return root * (curve.log_error - fitted(form, curve, fit))

    starts = cells.shapes[order[:_STARTS]]
    found = [least_squares(residuals, start, bounds=limits.T, xtol=1e-12, ftol=1e-12, gtol=1e-14) for start in starts]
    polished = solve(form, curve, min(found, key=lambda each: each.cost).x[None])
    # At a limit, such as no floor at all, polishing only comes close; the grid holds it exactly.
    on_grid = cells[order[:1]]
    return on_grid if on_grid.squares[0] <= (1 + _SAME) * polished.squares[0] + _SAME**2 else polished


def fitted(form: Form, curve: Curve, fit: Fits) -> np.ndarray:
    """(G,) centered log errors that one fit gives for the widths of a curve."""
    shape = form.shape(curve.log_width, fit.shapes, curve.log_width[-1])
    return shape.matrix[0] @ fit.linear[0] + shape.offset[0]


def fits_within(form: Form, curve: Curve, best: Fits, exponent: float, budget: float) -> Fits:
    """All shapes whose squares stay within a budget beyond the least: a grid that is zoomed in on them."""
    box = limits = form.limits(curve.log_width, exponent)
    if not len(limits) or budget == 0:
        return best
    for _ in range(_ZOOMS):
        cells = solve(form, curve, _grid(box))
        inside = cells.squares <= best.squares[0] + budget
        if inside.mean() > _ENOUGH:
            break
        near = cells.shapes[inside if inside.sum() > _FEW else cells.squares.argsort()[:_FEW]]
        step = np.diff(box, axis=1) / (_STEPS[len(limits)] - 1)
        ends = np.concatenate([near, best.shapes])
        box = np.stack([ends.min(axis=0), ends.max(axis=0)], axis=1) + step * [-1, 1]
        box = np.clip(box, limits[:, :1], limits[:, 1:])
    return best.joined(cells[inside])


def _grid(box: np.ndarray) -> np.ndarray:
    """(C, s) shapes on a regular grid in a box (s, 2), its ends included."""
    axes = [np.linspace(low, high, _STEPS[len(box)]) for low, high in box]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(box))
