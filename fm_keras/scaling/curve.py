"""A measured curve: the mean of each width over its seeds, and how much each mean is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from fm_keras.errors import CannotFit, InvalidInput

_STRENGTH = (4.0, 1e4)  # degrees of freedom that the common spread may stand for


@dataclass(frozen=True, eq=False)
class Curve:
    """Errors by width, widths ascending, with what their seeds say about the noise."""

    widths: np.ndarray
    """(G,) distinct widths, ascending"""
    errors: np.ndarray
    """(G,) geometric mean over the seeds of a width"""
    weights: np.ndarray
    """(G,) seeds over the relative variance of a seed: precision of the mean log error, up to a common factor"""
    seeds: np.ndarray
    """(G,) how many trainings there are of each width"""
    within: float
    """weighted squares of log errors around the mean of their width, summed"""
    within_dof: int
    """degrees of freedom of `within`: seeds less widths"""
    trials: tuple[np.ndarray, np.ndarray]
    """(N,) width and (N,) error of every training, as given"""
    x_name: str = "width"
    """what the widths are, in words; another size may stand in their place"""
    y_name: str = "error"

    @cached_property
    def log_width(self) -> np.ndarray:
        """(G,) log widths, centered."""
        return np.log(self.widths) - self.middle[0]

    @cached_property
    def log_error(self) -> np.ndarray:
        """(G,) log errors, centered."""
        return np.log(self.errors) - self.middle[1]

    @cached_property
    def middle(self) -> tuple[float, float]:
        """Means of log widths and of log errors: what is taken off, so that a fit knows no units."""
        return float(np.log(self.widths).mean()), float(np.log(self.errors).mean())

    def seed_weights(self, log_widths: np.ndarray) -> np.ndarray:
        """(M,) weight of a single training at M log widths: that of the nearest width."""
        nearest = np.abs(log_widths[:, None] - np.log(self.widths)).argmin(axis=1)
        return (self.weights / self.seeds)[nearest]

    def without_largest(self) -> Curve:
        """The curve up to the last width but one, with the same trust in each mean."""
        widths, errors, weights, seeds = (each[:-1] for each in (self.widths, self.errors, self.weights, self.seeds))
        return replace(self, widths=widths, errors=errors, weights=weights, seeds=seeds)

    @property
    def sizes(self) -> str:
        """What several widths are called: widths, values of MACs."""
        return "widths" if self.x_name == "width" else f"values of {self.x_name}"


def read_curve(widths: ArrayLike, errors: ArrayLike, x_name: str = "width", y_name: str = "error") -> Curve:
    """Put the trials of a sweep together by width.

    Args:
        widths: (N,) positive numbers; a width occurs once for each of its seeds.
        errors: (N,) positive numbers.
        x_name: what the widths are, for messages: MACs, images, …
        y_name: what the errors are.

    Returns:
        The curve.  Variances of widths are drawn towards a common one, the more the fewer seeds there are and the less
        they differ: three seeds say little about the spread of a width by themselves.

    Raises:
        InvalidInput: lengths differ, no numbers, or widths that are not positive.
        CannotFit: errors that are not positive; they have no logarithm.

    Source: moderated variances, G. K. Smyth (2004), doi:10.2202/1544-6115.1027.
    """
    widths, errors = _numbers("widths", widths, x_name), _numbers("errors", errors, y_name)
    if widths.shape != errors.shape:
        raise InvalidInput(f"There are {len(widths)} widths and {len(errors)} errors; give one error for each width.")
    if not len(widths):
        raise InvalidInput("There are no widths; give one, and one error, for each training.")
    if not (widths > 0).all():
        raise InvalidInput(f"A training has {x_name} {widths.min():g}; a law takes positive ones alone.")
    if not (errors > 0).all():
        worst = widths[errors.argmin()]
        raise CannotFit(
            f"The {y_name} at {x_name} {worst:g} is {errors.min():g}, and a power law never gets to zero: measure it "
            f"on more images, or leave {x_name} {worst:g} out."
        )
    distinct, place = np.unique(widths, return_inverse=True)
    seeds, logs = np.bincount(place), np.log(errors)
    means = np.bincount(place, logs) / seeds
    squares = np.bincount(place, np.square(logs - means[place]))
    relative = _relative_variances(squares, seeds - 1)
    within = float((squares / relative).sum())
    weights, within_dof = seeds / relative, int((seeds - 1).sum())
    return Curve(distinct, np.exp(means), weights, seeds, within, within_dof, (widths, errors), x_name, y_name)


def _numbers(argument: str, values: ArrayLike, name: str) -> np.ndarray:
    found = np.atleast_1d(np.asarray(values))
    if found.ndim != 1 or found.dtype.kind not in "iuf":
        raise InvalidInput(f"{argument} has shape {found.shape} and type {found.dtype}; it must be a row of numbers.")
    found = found.astype(float)
    if not np.isfinite(found).all():
        raise InvalidInput(
            f"A training has {name} {found[~np.isfinite(found)][0]}; leave out those without a finite one."
        )
    return found


def _relative_variances(squares: np.ndarray, dof: np.ndarray) -> np.ndarray:
    """Variance of a seed at each width over the common one; all 1 where nothing shows that they differ."""
    seen = (dof > 0) & (squares > 1e-20)
    if seen.sum() < 2:
        return np.ones(len(squares))
    half = dof[seen] / 2
    logs = np.log(squares[seen] / dof[seen]) - digamma(half) + np.log(half)
    excess = logs.var(ddof=1) - polygamma(1, half).mean()
    if excess <= polygamma(1, _STRENGTH[1] / 2):
        return np.ones(len(squares))
    strength = max(_STRENGTH[0], 2 * brentq(lambda half: polygamma(1, half) - excess, 1e-6, _STRENGTH[1] / 2))
    common = np.exp(logs.mean() + digamma(strength / 2) - np.log(strength / 2))
    return (strength + squares / common) / (strength + dof)
