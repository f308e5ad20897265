"""Profile intervals: the range of a number over all laws that the curve does not rule out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fm_keras.scaling.curve import Curve
from fm_keras.scaling.forms import Form, Quantity
from fm_keras.scaling.search import Fits, fits_within


@dataclass(frozen=True, eq=False)
class Region:
    """All laws of a form whose squares are within a budget beyond the least.

    The range of one number over them is its profile interval: the values for which the best law that has it is within
    the budget.
    """

    form: Form
    curve: Curve
    fits: Fits
    """(C,) shapes within the budget, the best fit first"""
    limits: np.ndarray
    """(s, 2) of the shapes that were searched"""
    budget: float

    def within(self, budget: float) -> Region:
        """The part of it that a smaller budget leaves."""
        near = self.fits.squares <= self.fits.squares[0] + budget
        return Region(self.form, self.curve, self.fits[near], self.limits, budget)

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Lower and upper end of each number of the law."""
        numbers = self.form.quantities(self.fits.shapes, self.curve.middle, self.curve.log_width[-1])
        found = {name: self._range(quantity) for name, quantity in numbers.items()}
        if len(self.limits) and self.fits.shapes[:, 0].max() >= self.limits[0, 1]:
            found.update({name: (found[name][0], np.inf) for name in self.form.endless})
        return found

    def course(self, log_widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(M,) log errors of the best law, of the lowest and of the highest, at M log widths."""
        (x0, z0), largest = self.curve.middle, self.curve.log_width[-1]
        shape = self.form.shape(log_widths - x0, self.fits.shapes, largest)
        middle = z0 + shape.offset + np.einsum("cmb,cb->cm", shape.matrix, self.fits.linear)
        side = np.einsum("cmb,cbd,cmd->cm", shape.matrix, self.fits.spread, shape.matrix)
        side = np.sqrt(self._slack()[:, None] * side)
        return middle[0], (middle - side).min(axis=0), (middle + side).max(axis=0)

    def _range(self, quantity: Quantity) -> tuple[float, float]:
        middle = np.einsum("cb,cb->c", quantity.vector, self.fits.linear) + quantity.offset
        side = np.einsum("cb,cbd,cd->c", quantity.vector, self.fits.spread, quantity.vector)
        side = np.sqrt(self._slack() * side)
        return float(quantity.finish((middle - side).min())), float(quantity.finish((middle + side).max()))

    def _slack(self) -> np.ndarray:
        """(C,) what is left of the budget for the linear parameters."""
        return np.maximum(self.fits.squares[0] + self.budget - self.fits.squares, 0)


def hull(found: Sequence[dict[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    """One interval a number, over the intervals that several forms give it; a form without a floor has one of 0."""
    ends = {}
    for name in dict.fromkeys(name for each in found for name in each):
        held = [each.get(name, (0.0, 0.0)) for each in found if name in each or name == "floor"]
        ends[name] = min(low for low, _ in held), max(high for _, high in held)
    return ends


def find_region(form: Form, curve: Curve, best: Fits, exponent: float, budget: float) -> Region:
    """Search the shapes of a form for the laws within a budget.

    Args:
        form: of the law.
        curve: what was measured.
        best: the best fit of this form.
        exponent: of the plain power law.
        budget: see `Noise.budget`.
    """
    fits = fits_within(form, curve, best, exponent, budget)
    return Region(form, curve, fits, form.limits(curve.log_width, exponent), budget)
