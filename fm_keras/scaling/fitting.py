"""One form fitted to one curve, with all that its intervals need; and its test on the largest width, held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fm_keras.errors import CannotFit
from fm_keras.scaling.curve import Curve
from fm_keras.scaling.forms import FORMS, POWER, Form
from fm_keras.scaling.noise import EXACT, Noise
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
            f"A {form.words} takes {form.least_widths} {curve.sizes} or more, one beyond its {form.parameters} "
            f"parameters; there {'is' if len(curve.widths) == 1 else 'are'} {len(curve.widths)}."
        )
    plain = best_fit(POWER, curve, 1.0)
    exponent = float(plain.linear[0, 1])
    best = plain if form is POWER else best_fit(form, curve, exponent)
    around_dof = len(curve.widths) - form.parameters
    noise = Noise(curve.within, curve.within_dof, float(best.squares[0]), around_dof)
    return FormFit(form, curve, exponent, best, noise, find_region(form, curve, best, exponent, noise.budget(level)))


def open_fits(curve: Curve, level: float) -> list[FormFit]:
    """The forms that a curve can show and does not rule out, each fitted, the simplest first.

    A form is ruled out where its least squares exceed those of the best form by more than the budget of the best one:
    there, no law of this form is among those that the curve leaves open.

    Args:
        curve: three widths or more.
        level: of the budget, and of the regions.

    Source: likelihood ratio; ours in that forms need not be nested.
    """
    fits = [fit_form(form, curve, level) for form in FORMS.values() if len(curve.widths) >= form.seen_from]
    best = min(fits, key=lambda fit: fit.best.squares[0])
    limit = best.best.squares[0] + best.noise.budget(level) + EXACT
    return [fit for fit in fits if fit.best.squares[0] <= limit]


def check_falls(fit: FormFit) -> None:
    """Make sure that errors fall with width, by the plain power law.

    Raises:
        CannotFit: they rise, it cannot be told from chance that they do not stay the same, or they fall too steeply.
    """
    low, high = fit.region.intervals()["exponent"]
    x_name, sizes = fit.curve.x_name, fit.curve.sizes
    found = f"the exponent of {x_name}**-exponent is {fit.exponent:.3g} ({low:.3g} to {high:.3g})"
    if high < 0:
        raise CannotFit(f"The curve rises with {x_name} instead of falling: {found}.")
    if low <= _ROUNDING:
        raise CannotFit(f"The curve cannot be told from a flat one: {found}; take more {sizes}, wider apart, or seeds.")
    if not np.isfinite(fit.values()["prefactor"]):
        smallest, largest = fit.curve.widths[[0, -1]]
        raise CannotFit(f"{smallest:.7g} to {largest:.7g} are {sizes} too close together for a law: {found}.")


def check_keeps_falling(fit: FormFit) -> None:
    """Make sure that a broken law falls on both sides of its turn.

    Raises:
        CannotFit: it rises on one side.
    """
    values = fit.values()
    for name, where in (("exponent_before", "up to"), ("exponent", "beyond")):
        if values.get(name, 1.0) <= 0:
            raise CannotFit(
                f"The curve is best described as rising {where} {fit.curve.x_name} {values['turn']:.3g}, where the "
                f"exponent is {values[name]:.3g}: fit the other side alone, or take more seeds."
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
