"""One robust fit: least squares in which points far from the curve count less, for variances along the signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from muguet.noise.transfer.bins import Floats

HUBER = 1.345
"""Huber's bound in standard errors: 95 % as efficient as least squares where all errors are Gaussian."""

TUKEY = 4.685
"""The bound of Tukey's biweight in standard errors, with the same efficiency; beyond it a point counts for nothing."""

MEDIAN_OF_ABSOLUTE_NORMAL = 0.6745
"""The median of |N(0, 1)|: a median absolute deviation over this is a standard deviation."""

_TINY = 1e-300

Solver = Callable[[Floats, Floats, Floats, Floats], Floats]
"""A function of design ``(n, terms)``, values, errors and weights ``(n,)`` that returns coefficients ``(terms,)``."""


@dataclass(frozen=True)
class RobustFit:
    """Coefficients of a robust fit, and what it leaves of the points.

    Attributes
    ----------
    coefficients
        One for each column of the design ``(terms,)``.
    error
        Standard error of each point ``(n,)``, in proportion to the fitted value.
    residual
        (Value − fitted value) / error of each point ``(n,)``.
    weight
        Robust weight of each point ``(n,)``, 1 for a point that counts in full.
    scale
        Robust standard deviation of the residuals, see `robust_std`.
    """

    coefficients: Floats
    error: Floats
    residual: Floats
    weight: Floats
    scale: float


def robust_std(values: Floats) -> float:
    """Return the standard deviation of values about zero by their median: median(|values|) / 0.6745."""
    return float(np.median(np.abs(values))) / MEDIAN_OF_ABSOLUTE_NORMAL


def least_squares(design: Floats, values: Floats, errors: Floats, weights: Floats) -> Floats:
    """Solve by singular values, which also answers where columns of the design depend on each other."""
    root = np.sqrt(weights) / errors
    solved = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0]
    return np.asarray(solved, dtype=np.float64)


def normal_equations(design: Floats, values: Floats, errors: Floats, weights: Floats) -> Floats:
    """Solve the normal equations, which is faster; the columns must not depend on each other."""
    weighted = design * (weights / errors**2)[:, None]
    return np.asarray(np.linalg.solve(design.T @ weighted, weighted.T @ values), dtype=np.float64)


def robust_fit(
    design: Floats,
    values: Floats,
    relative: Floats,
    *,
    huber_rounds: int,
    tukey_rounds: int = 0,
    min_scale: float = 0.0,
    min_value: float = 0.0,
    tolerance: float | None = None,
    solve: Solver = least_squares,
) -> RobustFit:
    """Fit design @ coefficients to values by least squares, iterated with robust weights.

    Each point is weighted by weight/error². The first rounds take Huber's weights (1964,
    doi:10.1214/aoms/1177703732); from that good start, further ones may take Tukey's biweight (Beaton & Tukey 1974,
    doi:10.1080/00401706.1974.10489171), by which points far off count for nothing. Errors are in proportion to the
    *fitted* value and not to the point's own: a variance that came out small by chance would otherwise weigh more,
    and pull the fit down.

    Parameters
    ----------
    design
        Columns ``(n, terms)`` of the linear model.
    values
        Values ``(n,)`` to fit, such as variances.
    relative
        Standard errors of the values as a part of them ``(n,)``.
    huber_rounds, tukey_rounds
        Maximal number of rounds with either weights.
    min_scale
        Smallest scale of the residuals: 1 trusts the errors not to be too large, 0 takes the scatter as it is.
    min_value
        Smallest value that an error is in proportion to; at least a tenth of the point's own value is used.
    tolerance
        Stop when no coefficient changes by more than this part of it; None: do all rounds.
    solve
        The solver of each round's linear problem.
    """
    smallest = np.maximum(0.1 * np.abs(values), max(min_value, _TINY))
    fitted, weight = values, np.ones(len(values))
    best: Floats = np.zeros(design.shape[1])
    for turn in range(huber_rounds + tukey_rounds):
        # A polynomial may cross zero among the points; a variance, and its error, does not.
        error = relative * np.maximum(fitted, smallest)
        before, best = best, solve(design, values, error, weight)
        fitted = design @ best
        residual = (values - fitted) / error
        scale = max(robust_std(residual), min_scale, _TINY)
        weight = huber_weights(residual, scale) if turn < huber_rounds else tukey_weights(residual, scale)
        if tolerance is not None and np.allclose(best, before, rtol=tolerance, atol=0):
            break
    return RobustFit(best, error, residual, weight, scale)


def huber_weights(residual: Floats, scale: float) -> Floats:
    """Return 1 for small residuals, and bound/|residual| for those beyond the bound of 1.345 scales."""
    bound = HUBER * scale
    weights: Floats = bound / np.maximum(np.abs(residual), bound)
    return weights


def tukey_weights(residual: Floats, scale: float) -> Floats:
    """Return (1 − (residual/bound)²)², and next to nothing beyond the bound of 4.685 scales."""
    weights: Floats = np.square(np.clip(1 - (np.abs(residual) / (TUKEY * scale)) ** 2, 1e-6, None))
    return weights


def huber_loss(residual: Floats, scale: float) -> float:
    """Sum of Huber's losses: the square of small residuals, and a line for those beyond the bound."""
    z = np.abs(residual) / scale
    return float(np.where(z < HUBER, z**2, HUBER * (2 * z - HUBER)).sum())
