"""Variance of the noise as a polynomial of the signal: read noise, shot noise, and noise in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from muguet.noise.transfer.bins import Floats
from muguet.noise.transfer.curve import MeanVariance

Values = TypeVar("Values", Tensor, npt.NDArray[np.floating])

_HUBER = 1.345  # standard errors: 95 % as efficient as least squares where nothing is wrong
_TUKEY = 4.685  # the same for weights that fall to nothing
_SIGNIFICANT = 9.0  # of χ², three standard errors: what a term must gain to be believed
_ROUNDS = 30
_TO_STD = 0.6745  # the median of |N(0, 1)|
_DARKEST = 0.25  # of the variance at the darkest point: the least that is ever said


@dataclass(frozen=True)
class Variance:
    """σ²(x) = constant + linear·x + quadratic·x², never below `floor`.

    The terms are what a camera adds: read noise and offset in the first, shot noise in the second, noise in
    proportion to the signal (speckle, an uneven gain) in the third. EMVA Standard 1288, release 4.0, 2021;
    Janesick, *Photon Transfer*, 2007 (doi:10.1117/3.725073).

    Attributes
    ----------
    constant, linear, quadratic
        In units², units and one, of the signal's units.
    floor
        The least variance, units²: a straight line may cross zero where signals are guessed too dark.
    misfit
        Mean relative deviation of σ between this and the points that it was fitted to, each weighted by its pixels
        and lessened by two standard errors.
    """

    constant: float
    linear: float
    quadratic: float
    floor: float
    misfit: float = 0.0

    def __call__(self, signal: Values) -> Values:
        """Variance at each signal, of the signal's shape."""
        value = self.constant + signal * (self.linear + self.quadratic * signal)
        return value.clip(self.floor, None)


def fitted_variance(points: MeanVariance) -> Variance:
    """The polynomial through a photon-transfer curve, of as few terms as the points ask for.

    Weighted by 1/error² and robustly, with Huber's weights first (1964, doi:10.1214/aoms/1177703732), then with
    Tukey's biweight (Beaton & Tukey 1974, doi:10.1080/00401706.1974.10489171). Errors are in proportion to the
    polynomial and not to the point: a variance that came out small by chance would otherwise weigh more. A term
    stays if it lowers χ² by three standard errors' worth; the quadratic one is never negative.

    Parameters
    ----------
    points
        Two at least.
    """
    signal, variance = points.signal, points.variance
    relative = np.maximum(points.error / np.maximum(variance, 1e-300), 1e-3)
    centre, unit = float(signal.mean()), float(np.ptp(signal)) or 1.0
    x = (signal - centre) / unit
    square = x**2 if points.square is None else (points.square - 2 * centre * signal + centre**2) / unit**2
    design = np.stack([np.ones_like(x), x, square], 1)
    fits = [_fit(design[:, :terms], variance, relative) for terms in range(1, min(3, len(signal) - 1) + 1)]
    scale = fits[-1][2]  # how far points scatter where all terms are there
    best, away, _ = fits[0]
    for more, nearer, _ in fits[1:]:
        gain = _huber(away, scale) - _huber(nearer, scale)
        if gain >= _SIGNIFICANT and not (len(more) == 3 and more[2] < 0):
            best, away = more, nearer
    level, slope, bend = (float(c) for c in np.pad(best, (0, 3 - len(best))))
    floor = _DARKEST * max(float(np.polyval([bend, slope, level], x[0])), 0.5 * float(variance.min()), 1e-300)
    fitted = np.maximum(design @ [level, slope, bend], floor)
    off = np.abs(np.sqrt(variance / fitted) - 1) - relative  # of σ, whose error is half the variance's
    return Variance(
        constant=level - slope * centre / unit + bend * (centre / unit) ** 2,
        linear=slope / unit - 2 * bend * centre / unit**2,
        quadratic=bend / unit**2,
        floor=floor,
        misfit=float(np.average(np.maximum(off, 0), weights=points.count)),
    )


def _fit(design: Floats, y: Floats, relative: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients of the columns, what they leave in standard errors, and how far that scatters (one at least)."""
    fitted: Floats = y
    share: Floats = np.ones(len(y))
    best: Floats = np.zeros(design.shape[1])
    z: Floats = y
    scale = 1.0
    for turn in range(_ROUNDS):
        error = relative * np.maximum(fitted, 0.1 * np.abs(y) + 1e-300)
        weight: Floats = np.sqrt(share) / error
        solved = np.linalg.lstsq(design * weight[:, None], y * weight, rcond=None)[0]
        best = np.asarray(solved, dtype=np.float64)
        fitted = design @ best
        z = np.abs(y - fitted) / error
        scale = max(float(np.median(z)) / _TO_STD, 1.0)
        if turn < _ROUNDS // 2:
            share = np.minimum(1.0, _HUBER * scale / np.maximum(z, 1e-12))
        else:  # from a good start: points at the ends that are plainly wrong, with their long lever, count no more
            share = np.square(np.clip(1 - (z / (_TUKEY * scale)) ** 2, 1e-6, None))
    return best, z, scale


def _huber(z: Floats, scale: float) -> float:
    """Huber's loss of deviations, the square of the small ones."""
    bound = _HUBER
    z = z / scale
    return float(np.where(z < bound, z**2, bound * (2 * z - bound)).sum())
