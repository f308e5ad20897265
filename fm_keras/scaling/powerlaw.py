"""Fits of laws of width: error = A * width**-rho, with a floor, or broken; with intervals that hold what they say."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from fm_keras.errors import CannotFit, InvalidInput
from fm_keras.numbers import figures
from fm_keras.scaling.bootstrap import bootstrap_intervals
from fm_keras.scaling.curve import Curve, read_curve
from fm_keras.scaling.fitting import (
    FormFit,
    HeldOut,
    check_falls,
    check_keeps_falling,
    fit_form,
    hold_out_largest,
    open_fits,
)
from fm_keras.scaling.forms import FORMS, POWER, exp
from fm_keras.scaling.region import Region, hull

_FURTHEST = np.log([1e-9, 1e9])
_SIGNS = {"power": "a plain power law", "floor": "a floor", "broken": "a turn"}


class Prediction(NamedTuple):
    """What a law says about M widths."""

    width: np.ndarray
    """(M,)"""
    value: np.ndarray
    """(M,) error by the law"""
    low: np.ndarray
    """(M,) of the interval that holds the law"""
    high: np.ndarray
    run_low: np.ndarray
    """(M,) of the interval that holds a single training"""
    run_high: np.ndarray


class WidthNeeded(NamedTuple):
    """The width at which a law reaches an error."""

    width: float
    """infinite if the law never gets there, though another does that the curve leaves open"""
    low: float
    """of the interval; 0 if widths a billion times smaller than the smallest may do"""
    high: float
    """infinite if the error may never be reached"""


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """A law of width: `error = prefactor * width**-exponent + floor`, or, if broken, that beyond its turn."""

    form: str
    """power, floor or broken"""
    values: dict[str, float]
    """exponent, prefactor; floor; exponent_before and turn (a width) of a broken law"""
    intervals: dict[str, tuple[float, float]]
    """profile intervals: what the curve does not rule out; also of what only forms beside this one have"""
    bootstrap: dict[str, tuple[float, float]]
    """bootstrap intervals of the same"""
    level: float
    """share of the intervals that hold the truth"""
    curve: Curve = field(repr=False)
    """what was fitted"""
    held_out: tuple[HeldOut, ...]
    """each form fitted without the largest width, where there are enough widths for that"""
    regions: tuple[Region, ...] = field(repr=False)
    """all laws that the curve does not rule out: of this form first, then of others, unless a form was asked for"""
    doubt: str
    """which other forms the curve leaves open and which it cannot show, in words; empty if a form was asked for"""

    @property
    def exponent(self) -> float:
        """rho; of a broken law, beyond its turn."""
        return self.values["exponent"]

    @property
    def prefactor(self) -> float:
        """A, in units of error; of a broken law, of the part beyond its turn."""
        return self.values["prefactor"]

    @property
    def floor(self) -> float:
        """The error that remains at any width; 0 for a form without one."""
        return self.values.get("floor", 0.0)

    def predict(self, widths: ArrayLike) -> Prediction:
        """Errors at other widths.

        Args:
            widths: one or M positive numbers.

        Returns:
            Value, interval of the law and interval of a single training at each.

        Raises:
            InvalidInput: a width that is not positive.
        """
        widths = np.atleast_1d(np.asarray(widths, float))
        if not (np.isfinite(widths) & (widths > 0)).all():
            raise InvalidInput(f"widths holds {widths.min():g}; every width must be a positive number.")
        middle, low, high = self._course(np.log(widths))
        seed = np.sqrt(self.regions[0].budget / self.curve.seed_weights(np.log(widths)))
        run_low, run_high = middle - np.hypot(middle - low, seed), middle + np.hypot(high - middle, seed)
        return Prediction(widths, *(exp(each) for each in (middle, low, high, run_low, run_high)))

    def width_for(self, error: float) -> WidthNeeded:
        """Width at which the law comes down to an error.

        Args:
            error: positive, in the units of the errors that were fitted.

        Returns:
            Width, and the ends of its interval: where the lowest and where the highest law of the interval get there.

        Raises:
            InvalidInput: error is not positive.
            CannotFit: none of these laws gets there: error lies below the floor.
        """
        if not (np.isfinite(error) and error > 0):
            raise InvalidInput(f"error is {error:g}; it must be a positive number.")
        width, low, high = (self._width_where(course, error) for course in range(3))
        if np.isinf(low):
            floor = f"has a floor of {figures(self.floor)} ({self._between('floor')})" if self.floor else "is too flat"
            raise CannotFit(f"No {self.curve.x_name} will do for {error:.3g}: the law {floor}.")
        return WidthNeeded(width, low, high)

    def rows(self) -> list[dict[str, Any]]:
        """One row a number of the law: quantity, value, low, high, bootstrap_low, bootstrap_high."""
        return [
            {"quantity": name, "value": value}
            | dict(zip(("low", "high"), self.intervals[name]))
            | dict(zip(("bootstrap_low", "bootstrap_high"), self.bootstrap[name]))
            for name, value in self.values.items()
        ]

    def sentence(self, x_name: str = "width") -> str:
        """The right side of the law in words: 0.930 * width**-0.410 (exponent 0.380 to 0.440)."""
        law = f"{figures(self.prefactor)} * {x_name}**{figures(-self.exponent)} ({self._between('exponent')})"
        if self.form == "floor":
            return f"{law} + {figures(self.floor)} ({self._between('floor')})"
        return f"{law} beyond {x_name} {figures(self.values['turn'])}" if self.form == "broken" else law

    def as_dict(self) -> dict[str, Any]:
        """Everything but arrays, for a JSON document; infinite ends are None."""
        return {
            "form": self.form,
            "level": self.level,
            "doubt": self.doubt,
            "numbers": [{name: _finite(value) for name, value in row.items()} for row in self.rows()],
            "held_out": [asdict(each) for each in self.held_out],
        }

    def _between(self, name: str) -> str:
        low, high = self.intervals[name]
        return f"{name} {figures(low)} to {figures(high)}"

    def _course(self, log_widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(M,) log errors of the law, of the lowest that the curve leaves open and of the highest."""
        middle, low, high = zip(*(region.course(log_widths) for region in self.regions))
        return middle[0], np.min(low, axis=0), np.max(high, axis=0)

    def _width_where(self, course: int, error: float) -> float:
        """Where the law itself (0), the lowest (1) or the highest (2) in its interval comes down to an error."""

        def above(log_width: float) -> float:
            return float(self._course(np.array([log_width]))[course][0] - np.log(error))

        start, end = np.log(self.curve.widths[[0, -1]]) + _FURTHEST
        if above(end) > 0:
            return np.inf
        return float(np.exp(brentq(above, start, end, xtol=1e-6))) if above(start) > 0 else 0.0


def fit_power_law(
    widths: ArrayLike,
    errors: ArrayLike,
    *,
    form: Literal["auto", "power", "floor", "broken"] = "auto",
    level: float = 0.95,
    rounds: int = 1000,
    rng: np.random.Generator | None = None,
    x_name: str = "width",
    y_name: str = "error",
) -> PowerLaw:
    """Fit a law of width, by least squares of log errors.

    The same serves any positive measure that falls with a size: noise per filter, or error against operations.

    Args:
        widths: (N,) positive numbers, one for each training; a width occurs once for each of its seeds.
        errors: (N,) positive numbers.
        form: "power", "floor" (an error that no width gets below), "broken" (another exponent from some width on), or
            "auto": the simplest that predicts the largest width from the others as well as chance allows.  Its
            intervals then reach over all forms that the curve can show and does not rule out: a floor from 4 widths on,
            a turn from 6.
        level: of all intervals.
        rounds: of the bootstrap.
        rng: of the bootstrap; always the same if None.
        x_name: what the widths are, for messages: MACs, images, …
        y_name: what the errors are.

    Returns:
        The law with its intervals.  They count the noise of seeds and the deviations of the widths from the law, with
        as few degrees of freedom as there are.

    Raises:
        InvalidInput: no numbers, lengths that differ, an unknown form or level.
        CannotFit: errors that are zero, flat or rising; too few widths for the form.

    Source: error = A * width**-rho: arXiv:2211.11106.  Intervals: ours, see docs/scaling.md.
    """
    if form not in (*FORMS, "auto") or not 0 < level < 1 or rounds < 1:
        raise InvalidInput(
            f"form is {form!r}, level {level:g}, rounds {rounds}; form must be auto, {', '.join(FORMS)}, level between "
            "0 and 1, rounds 1 or more."
        )
    curve, rng = read_curve(widths, errors, x_name, y_name), rng or np.random.default_rng(0)
    check_falls(fit_form(POWER, curve, level))
    tried = [hold_out_largest(each, curve, level) for each in FORMS.values()]
    held_out = tuple(each for each in tried if each)
    chosen = _simplest(held_out) if form == "auto" else form
    fit = fit_form(FORMS[chosen], curve, level)
    check_keeps_falling(fit)
    others = [each for each in open_fits(curve, level) if each.form.name != chosen] if form == "auto" else []
    fits = [fit, *others]
    return PowerLaw(
        form=chosen,
        values=fit.values(),
        intervals=hull([each.region.intervals() for each in fits]),
        bootstrap=hull([bootstrap_intervals(each, level=level, rounds=rounds, rng=rng) for each in fits]),
        level=level,
        curve=curve,
        held_out=held_out,
        regions=tuple(each.region for each in fits),
        doubt=_doubt(curve, others) if form == "auto" else "",
    )


def _doubt(curve: Curve, others: list[FormFit]) -> str:
    """4 widths cannot rule out a floor (which the intervals count) or show a turn (which they do not count)."""
    possible = " or ".join(_SIGNS[each.form.name] for each in others)
    hidden = " or ".join(_SIGNS[form.name] for form in FORMS.values() if len(curve.widths) < form.seen_from)
    said = [f"rule out {possible} (which the intervals count)"] if possible else []
    said += [f"show {hidden} (which {'they' if said else 'the intervals'} do not count)"] if hidden else []
    return f"{len(curve.widths)} {curve.sizes} cannot {' or '.join(said)}" if said else ""


def _simplest(held_out: tuple[HeldOut, ...]) -> str:
    """The first form whose miss is no more than chance, or the one that misses least; a power law without any."""
    expected = [each.form for each in held_out if each.expected]
    if expected or not held_out:
        return [*expected, "power"][0]
    return min(held_out, key=lambda each: abs(np.log1p(each.miss))).form


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
