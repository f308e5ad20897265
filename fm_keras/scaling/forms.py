"""The forms that a law of width can take, each linear in some of its parameters once the others are chosen.

With x and z the centered logs of width and error, every form is `z = X(s) b + h(s)`: b is solved for, the shape s is
searched for.

| form | error | b | s |
| --- | --- | --- | --- |
| power | A w^-rho | log A, rho | |
| floor | A w^-rho + floor | log A | rho, share of the floor in the error of the largest width |
| broken | A w^-rho beyond the turn, another exponent before it | log A, both exponents | the width of the turn |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_TURN = 0.25
"""how smooth a turn is, in log width: from 12 to 88 % of it takes a factor e of width"""
_RANGE = 4.0
"""how far beyond the exponent of the plain power law one with a floor is searched for, as a logarithm"""
_LEAST = 0.01
"""exponent to search around where the plain power law has a smaller one"""
_LARGEST_SHARE = 0.9999


@dataclass(frozen=True, eq=False)
class Shape:
    """What remains linear of a form, for each of C shapes."""

    matrix: np.ndarray
    """(C, W, b) what the linear parameters are multiplied with, at each of W widths"""
    offset: np.ndarray
    """(C, W) what is added"""


@dataclass(frozen=True)
class Quantity:
    """A number of a law, `finish(vector b + offset)`, for each of C shapes."""

    vector: np.ndarray
    """(C, b)"""
    offset: np.ndarray
    """(C,)"""
    finish: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Form:
    """A kind of law."""

    name: str
    words: str
    parameters: int
    limits: Callable[[np.ndarray, float], np.ndarray]
    """(log widths, exponent of the plain power law) -> (s, 2) within which shapes are searched for"""
    shape: Callable[[np.ndarray, np.ndarray, float], Shape]
    """(log widths (W,), shapes (C, s), log of the largest width) -> Shape"""
    quantities: Callable[[np.ndarray, tuple[float, float], float], dict[str, Quantity]]
    """(shapes (C, s), middle of the curve, log of the largest width) -> the numbers of the law, by name"""
    seen_from: int
    """widths from which a curve can show this form: one more than parameters, and three on each side of a turn"""
    endless: tuple[str, ...] = ()
    """what grows beyond all bounds where the first of s is at its upper limit"""

    @property
    def least_widths(self) -> int:
        """One width more than parameters: without it nothing would say how good the fit is."""
        return self.parameters + 1


def _no_limits(x: np.ndarray, exponent: float) -> np.ndarray:
    return np.empty((0, 2))


def _power_shape(x: np.ndarray, shapes: np.ndarray, largest: float) -> Shape:
    matrix = np.stack([np.ones_like(x), -x], axis=1)
    return Shape(np.broadcast_to(matrix, (len(shapes), *matrix.shape)), np.zeros((len(shapes), len(x))))


def _power_quantities(shapes: np.ndarray, middle: tuple[float, float], largest: float) -> dict[str, Quantity]:
    cells, (x0, z0) = len(shapes), middle
    return {
        "exponent": _linear([0, 1], np.zeros(cells)),
        "prefactor": _linear([1, x0], np.full(cells, z0), exp),
    }


def _floor_limits(x: np.ndarray, exponent: float) -> np.ndarray:
    return np.array([np.log(max(exponent, _LEAST)) + np.array([-_RANGE, _RANGE]), [0, _LARGEST_SHARE]])


def _floor_shape(x: np.ndarray, shapes: np.ndarray, largest: float) -> Shape:
    rho = np.exp(shapes[:, :1])
    return Shape(np.ones((len(shapes), len(x), 1)), np.logaddexp(-rho * x, _log_floor(shapes, largest)[:, None]))


def _floor_quantities(shapes: np.ndarray, middle: tuple[float, float], largest: float) -> dict[str, Quantity]:
    x0, z0 = middle
    rho, cells = np.exp(shapes[:, 0]), len(shapes)
    return {
        "exponent": _linear([0], rho),
        "prefactor": _linear([1], z0 + rho * x0, exp),
        "floor": _linear([1], np.full(cells, z0) + _log_floor(shapes, largest), exp),
    }


def _log_floor(shapes: np.ndarray, largest: float) -> np.ndarray:
    """(C,) log of floor over prefactor, at the middle of the curve; -inf where there is none."""
    share = shapes[:, 1]
    with np.errstate(divide="ignore"):
        return np.log(share / (1 - share)) - np.exp(shapes[:, 0]) * largest


def _broken_limits(x: np.ndarray, exponent: float) -> np.ndarray:
    return np.array([[x[1], x[-2]]])


def _broken_shape(x: np.ndarray, shapes: np.ndarray, largest: float) -> Shape:
    smooth = min(_TURN, largest / 4)  # on a narrow range a turn must be sharper to be one
    beyond = smooth * np.logaddexp(0, (x - shapes) / smooth)
    ones = np.ones_like(beyond)
    return Shape(np.stack([ones, -x * ones, -beyond], axis=2), np.zeros_like(beyond))


def _broken_quantities(shapes: np.ndarray, middle: tuple[float, float], largest: float) -> dict[str, Quantity]:
    cells, (x0, z0) = len(shapes), middle
    turn = shapes[:, 0]
    ahead = np.stack([np.ones(cells), np.full(cells, x0), x0 + turn], axis=1)
    return {
        "exponent": _linear([0, 1, 1], np.zeros(cells)),
        "prefactor": Quantity(ahead, np.full(cells, z0), exp),
        "exponent_before": _linear([0, 1, 0], np.zeros(cells)),
        "turn": _linear([0, 0, 0], x0 + turn, exp),
    }


def exp(logs: np.ndarray) -> np.ndarray:
    """The number of a logarithm; infinite where that is beyond all that a computer counts."""
    with np.errstate(over="ignore"):
        return np.exp(logs)


def _linear(
    vector: list[float], offset: np.ndarray, finish: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> Quantity:
    return Quantity(np.broadcast_to(np.array(vector, float), (len(offset), len(vector))), offset, finish)


POWER = Form("power", "power law", 2, _no_limits, _power_shape, _power_quantities, 3)
FLOOR = Form(
    "floor", "power law with a floor", 3, _floor_limits, _floor_shape, _floor_quantities, 4, ("exponent", "prefactor")
)
BROKEN = Form("broken", "broken power law", 4, _broken_limits, _broken_shape, _broken_quantities, 6)
FORMS = {form.name: form for form in (POWER, FLOOR, BROKEN)}
