"""A straight line through points with errors, some of which may not belong to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.robust import normal_equations, robust_fit

_ROUNDS = 50
_RUNS, _LONG_RUNS = 8, 4  # of neighbours: fewer where each must be as long as a smooth curve's errors reach
_TINY = 1e-300


@dataclass(frozen=True)
class Line:
    """value = level + slope · (x − centre).

    Attributes
    ----------
    centre
        An x among the points, where level and slope know least of each other.
    level, slope
        The best ones.
    covariance
        Of level and slope ``(2, 2)``.
    freedom
        Degrees of freedom of the covariance.
    """

    centre: float
    level: float
    slope: float
    covariance: Floats
    freedom: int

    def __call__(self, x: Floats) -> Floats:
        """The line at x."""
        return self.level + self.slope * (x - self.centre)

    def draws(self, number: int = 20_000) -> tuple[Floats, Floats]:
        """Levels and slopes as likely as the points allow: Student's t about the best ones.

        Always the same draws: they stand for an integral (the Monte Carlo method of JCGM 101:2008).
        """
        random = np.random.default_rng(0)
        std = np.sqrt(np.diag(self.covariance).clip(min=0))
        unit = np.where(std > 0, std, 1.0)
        root = np.linalg.cholesky(self.covariance / np.outer(unit, unit) + 1e-9 * np.eye(2))
        normal = random.standard_normal((number, 2)) @ root.T * std
        normal *= np.sqrt(self.freedom / random.chisquare(self.freedom, (number, 1)))
        return self.level + normal[:, 0], self.slope + normal[:, 1]


def fitted_line(x: Floats, y: Floats, relative: Floats) -> Line:
    """Least squares weighted by 1/error², iterated with Huber's weights.

    Huber 1964, doi:10.1214/aoms/1177703732. Errors are proportional to what the *line* gives at a point, and not
    to the point's own value: a variance that came out small by chance would otherwise weigh more, and pull the
    line down. The covariance is Huber's, with the factor by which the points scatter more, or less, than their
    errors say.

    Parameters
    ----------
    x, y
        Points ``(n,)``, n ≥ 3, in rising x, not all the same.
    relative
        Standard errors of y as a part of y.
    """
    centre = float(np.average(x, weights=1 / (relative * (np.abs(y) + _TINY)) ** 2))
    best, covariance = _fit(x - centre, y, relative)
    return Line(centre, float(best[0]), float(best[1]), covariance, max(len(x) - 2, 1))


def robust_line(x: Floats, y: Floats, relative: Floats, independent: bool = True) -> Line:
    """`fitted_line`, with an error that knows of deviations that neighbours share.

    Its covariance is that of the fits without one of eight runs of neighbours (the jackknife of Künsch 1989,
    doi:10.1214/aos/1176347265) where this is the larger one. For points whose errors are not `independent`, as
    those of a smooth curve, it is always the jackknife's, with four longer runs.
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
    """Level at x = 0 and slope, and their covariance."""
    design = np.stack([np.ones_like(x), x], 1)
    found = robust_fit(
        design,
        y,
        relative,
        huber_rounds=_ROUNDS,
        min_value=1e-9 * float(np.abs(y).max()) + _TINY,
        tolerance=1e-9,
        solve=normal_equations,  # faster, and the search for the linear part fits hundreds of lines
    )
    share, residual, error = found.weight, found.residual, found.error
    inner = max(float(np.mean(share == 1)), 0.1)  # where Huber's ψ has slope one
    scatter = float(((share * residual) ** 2).sum()) / max(len(y) - 2, 1) / inner**2
    covariance = scatter * np.linalg.inv(design.T @ (design / error[:, None] ** 2))
    return found.coefficients, np.asarray(covariance, dtype=np.float64)
