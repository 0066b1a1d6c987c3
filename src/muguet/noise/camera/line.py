"""A robust straight line through points with errors, with the uncertainty of its level and slope."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.robust import normal_equations, robust_fit

_MAX_ROUNDS = 50  # Maximal number of rounds of the robust fit.
_RUNS = 8  # The jackknife leaves out one of this many runs of neighbouring points.
_LONG_RUNS = 4  # The same for a smooth curve, whose errors extend over many neighbours.
_TINY = 1e-300


@dataclass(frozen=True)
class Line:
    """A line: value = level + slope · (x − centre).

    Attributes
    ----------
    centre
        Weighted mean x of the points, where the errors of level and slope are least correlated.
    level, slope
        Best estimates.
    covariance
        Covariance matrix of level and slope ``(2, 2)``.
    freedom
        Degrees of freedom of the covariance.
    """

    centre: float
    level: float
    slope: float
    covariance: Floats
    freedom: int

    def __call__(self, x: Floats) -> Floats:
        """Return the values of the line at x."""
        return self.level + self.slope * (x - self.centre)

    def draws(self, number: int = 20_000) -> tuple[Floats, Floats]:
        """Draw levels and slopes from Student's t distribution about the best estimates.

        The draws are always the same: they replace an integral (the Monte Carlo method of JCGM 101:2008).
        """
        random = np.random.default_rng(0)
        std = np.sqrt(np.diag(self.covariance).clip(min=0))
        unit = np.where(std > 0, std, 1.0)
        root = np.linalg.cholesky(self.covariance / np.outer(unit, unit) + 1e-9 * np.eye(2))
        normal = random.standard_normal((number, 2)) @ root.T * std
        normal *= np.sqrt(self.freedom / random.chisquare(self.freedom, (number, 1)))
        return self.level + normal[:, 0], self.slope + normal[:, 1]


def fitted_line(x: Floats, y: Floats, relative: Floats) -> Line:
    """Fit a line by least squares weighted by 1/error², iterated with Huber's weights.

    See `muguet.noise.transfer.robust.robust_fit`. The covariance is Huber's, scaled by the factor by which the points
    scatter more, or less, than their errors predict.

    Parameters
    ----------
    x, y
        Points ``(n,)``, n ≥ 3, in rising x, not all the same.
    relative
        Standard errors of y as a part of y ``(n,)``.
    """
    centre = float(np.average(x, weights=1 / (relative * (np.abs(y) + _TINY)) ** 2))
    best, covariance = _fit(x - centre, y, relative)
    return Line(centre, float(best[0]), float(best[1]), covariance, max(len(x) - 2, 1))


def robust_line(x: Floats, y: Floats, relative: Floats, independent: bool = True) -> Line:
    """Fit as `fitted_line`, with a covariance that allows for deviations that neighbouring points share.

    The covariance is that of fits without one of eight runs of neighbours (the jackknife of Künsch 1989,
    doi:10.1214/aos/1176347265) if that is larger. For points whose errors are not `independent`, as
    those of a smooth curve, it is always that of the jackknife, with four longer runs.
    """
    line = fitted_line(x, y, relative)
    # At least two points remain when a run is left out.
    number = min(_RUNS if independent else _LONG_RUNS, max(len(x) - 1, 3))
    runs = np.array_split(np.arange(len(x)), number)
    without = [np.setdiff1d(np.arange(len(x)), run) for run in runs]
    away = np.array([_fit(x[rest] - line.centre, y[rest], relative[rest])[0] for rest in without])
    away -= away.mean(0)
    shared = (len(runs) - 1) / len(runs) * away.T @ away
    if independent and shared[1, 1] <= line.covariance[1, 1]:
        return line
    return replace(line, covariance=shared, freedom=max(len(runs) - 1, 1))


def _fit(x: Floats, y: Floats, relative: Floats) -> tuple[Floats, Floats]:
    """Return level at x = 0 and slope, and their covariance."""
    design = np.stack([np.ones_like(x), x], 1)
    found = robust_fit(
        design,
        y,
        relative,
        huber_rounds=_MAX_ROUNDS,
        min_value=1e-9 * float(np.abs(y).max()) + _TINY,
        tolerance=1e-9,
        solve=normal_equations,  # The faster solver: the search for the linear part fits hundreds of lines.
    )
    share, residual, error = found.weight, found.residual, found.error
    inner = max(float(np.mean(share == 1)), 0.1)  # Share of points where Huber's ψ has slope one.
    scatter = float(((share * residual) ** 2).sum()) / max(len(y) - 2, 1) / inner**2
    covariance = scatter * np.linalg.inv(design.T @ (design / error[:, None] ** 2))
    return found.coefficients, np.asarray(covariance, dtype=np.float64)
