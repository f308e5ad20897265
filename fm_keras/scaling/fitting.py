"""One form fitted to one curve, with all that its intervals need; and its test on the largest width, held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fm_keras.errors import CannotFit
from fm_keras.scaling.curve import Curve
from fm_keras.scaling.forms import POWER, Form
from fm_keras.scaling.noise import Noise
from fm_keras.scaling.region import Region, find_region
from fm_keras.scaling.search import Fits, best_fit


@dataclass(frozen=True, eq=False)
class FormFit:
    """The best law of a form, the noise around it, and the region of laws that the curve does not rule out."""

    form: Form
    curve: Curve
    exponent: float
    """of the plain power law, which is where shapes are searched for"""
    best: Fits
    noise: Noise
    region: Region

    def values(self) -> dict[str, float]:
        """The numbers of the best law, by name."""
        numbers = self.form.quantities(self.best.shapes, self.curve.middle, self.curve.log_width[-1])
        return {name: float(self.best.value(quantity)[0]) for name, quantity in numbers.items()}


@dataclass(frozen=True)
class HeldOut:
    """What a form, fitted without the largest width, says about it."""

    form: str
    width: float
    """the largest width"""
    predicted: float
    """its error, by the fit to all other widths"""
    low: float
    """of the interval that shall hold the mean over its seeds"""
    high: float
    found: float
    """geometric mean of the errors measured there"""
    miss: float
    """predicted / found - 1"""
    expected: bool
    """whether such a miss happens by chance: four times in five a right form misses by less than the limit taken"""


_BY_CHANCE = 0.8
_ROUNDING = 1e-9


def fit_form(form: Form, curve: Curve, level: float) -> FormFit:
    """Fit one form.

    Args:
        form: of the law.
        curve: what was measured.
        level: of the region.

    Raises:
        CannotFit: too few widths.
    """
    if len(curve.widths) < form.least_widths:
        raise CannotFit(
            f"A {form.words} takes {form.least_widths} widths or more, one beyond its {form.parameters} parameters; "
            f"there {'is' if len(curve.widths) == 1 else 'are'} {len(curve.widths)}."
        )
    plain = best_fit(POWER, curve, 1.0)
    exponent = float(plain.linear[0, 1])
    best = plain if form is POWER else best_fit(form, curve, exponent)
    around_dof = len(curve.widths) - form.parameters
    noise = Noise(curve.within, curve.within_dof, float(best.squares[0]), around_dof)
    return FormFit(form, curve, exponent, best, noise, find_region(form, curve, best, exponent, noise.budget(level)))


def check_falls(fit: FormFit) -> None:
    """Make sure that errors fall with width, by the plain power law.

    Raises:
        CannotFit: they rise, or it cannot be told from chance that they do not stay the same.
    """
    low, high = fit.region.intervals()["exponent"]
    found = f"the exponent of width**-exponent is {fit.exponent:.3g} ({low:.3g} to {high:.3g})"
    if high < 0:
        raise CannotFit(f"The curve rises with width instead of falling: {found}.")
    if low <= _ROUNDING:
        raise CannotFit(f"The curve cannot be told from a flat one: {found}; take more widths, wider apart, or seeds.")


def check_keeps_falling(fit: FormFit) -> None:
    """Make sure that a broken law falls on both sides of its turn.

    Raises:
        CannotFit: it rises on one side.
    """
    values = fit.values()
    for name, where in (("exponent_before", "up to"), ("exponent", "beyond")):
        if values.get(name, 1.0) <= 0:
            raise CannotFit(
                f"The curve is best described as rising {where} width {values['turn']:.3g}, where the exponent of "
                f"width**-exponent is {values[name]:.3g}: fit the other side alone, or take more seeds."
            )


def hold_out_largest(form: Form, curve: Curve, level: float) -> HeldOut | None:
    """Predict the largest width from all others; None where they are too few for that."""
    rest = curve.without_largest()
    if len(rest.widths) < form.least_widths:
        return None
    fit, found = fit_form(form, rest, level), float(curve.errors[-1])
    predicted, low, high = _predict_largest(fit.region, curve)
    _, near_low, near_high = _predict_largest(fit.region.within(fit.noise.budget(_BY_CHANCE)), curve)
    miss = predicted / found - 1
    expected = near_low <= found <= near_high or abs(miss) < _ROUNDING
    return HeldOut(form.name, float(curve.widths[-1]), predicted, low, high, found, miss, expected)


def _predict_largest(region: Region, curve: Curve) -> tuple[float, float, float]:
    """Error that a region expects at the largest width of a curve, and the interval of the mean over its seeds."""
    (middle,), (low,), (high,) = region.course(np.log(curve.widths[-1:]))
    apart = (region.budget / curve.weights[-1]) ** 0.5
    ends = (middle, middle - np.hypot(middle - low, apart), middle + np.hypot(high - middle, apart))
    return tuple(float(np.exp(end)) for end in ends)
