"""Bootstrap intervals: what the fit would have been, had the noise been another."""

from __future__ import annotations

import numpy as np

from fm_keras.scaling.curve import Curve
from fm_keras.scaling.fitting import FormFit
from fm_keras.scaling.forms import Form
from fm_keras.scaling.search import Fits, fits_within, fitted

_BEYOND = 4.0  # shapes that are searched: so many budgets beyond the best, which is twice as far as an interval reaches
_AT_ONCE = 2_000_000


def bootstrap_intervals(
    fit: FormFit, *, level: float, rounds: int, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """Percentiles of the numbers of the law over fits to curves drawn around it.

    Five residuals are too few to be drawn from.  Each round draws a variance, as likely as the curve makes it, and
    normal noise of that variance for the mean of each width: without a shape to search for, this gives the quantiles of
    Student's t rather than the far too narrow ones of five resampled residuals.

    Args:
        fit: the law, what it was fitted to and what is known of the variance.
        level: share of the rounds between the ends.
        rounds: how many curves are drawn.
        rng: where they are drawn from.

    Returns:
        Lower and upper end of each number.

    Source: parametric bootstrap with a drawn variance (ours).
    """
    form, curve = fit.form, fit.curve
    scale = np.sqrt(fit.noise.draw(rng, rounds))[:, None] / np.sqrt(curve.weights)
    drawn = fitted(form, curve, fit.best) + scale * rng.standard_normal((rounds, len(curve.widths)))
    cells = fits_within(form, curve, fit.best, fit.exponent, _BEYOND * fit.noise.budget(level))
    refitted = _refit(form, curve, cells, drawn)
    ends = [(1 - level) / 2, (1 + level) / 2]
    numbers = form.quantities(refitted.shapes, curve.middle, curve.log_width[-1])
    return {name: tuple(np.quantile(refitted.value(each), ends).tolist()) for name, each in numbers.items()}


def _refit(form: Form, curve: Curve, cells: Fits, drawn: np.ndarray) -> Fits:
    """The best of the cells for each of the drawn curves (R, G), with its linear parameters."""
    root = np.sqrt(curve.weights)
    shape = form.shape(curve.log_width, cells.shapes, curve.log_width[-1])
    basis = root[:, None] * (shape.matrix @ np.linalg.cholesky(cells.spread))  # orthonormal
    offset = root * shape.offset
    along = np.einsum("cwb,cw->cb", basis, offset)
    chosen = []
    for some in np.array_split(drawn * root, -(-len(drawn) * len(cells.shapes) // _AT_ONCE)):
        squares = np.square(offset).sum(axis=1) - 2 * some @ offset.T
        for column in range(basis.shape[2]):
            squares -= np.square(some @ basis[:, :, column].T - along[:, column])
        chosen.append(squares.argmin(axis=1))
    picked = np.concatenate(chosen)
    target = drawn - shape.offset[picked]
    linear = np.einsum("cbd,cwd,cw->cb", cells.spread[picked], shape.matrix[picked] * curve.weights[:, None], target)
    return Fits(cells.shapes[picked], linear, cells.spread[picked], cells.squares[picked])
