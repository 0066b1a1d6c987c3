"""Variance of the noise as a polynomial of the signal: read noise, shot noise, and noise in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.robust import huber_loss, robust_fit

Values = TypeVar("Values", Tensor, npt.NDArray[np.floating])

_SIGNIFICANT = 9.0  # of χ², three standard errors: what a term must gain to be believed
_ROUNDS = 15  # with Huber's weights, and as many with Tukey's
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
    fits = [
        robust_fit(
            design[:, :terms],
            variance,
            relative,
            huber_rounds=_ROUNDS,
            tukey_rounds=_ROUNDS,  # points at the ends that are plainly wrong have a long lever
            min_scale=1.0,
        )
        for terms in range(1, min(3, len(signal) - 1) + 1)
    ]
    scale = fits[-1].scale  # the scatter about the polynomial with all terms
    best = fits[0]
    for more in fits[1:]:
        gain = huber_loss(best.residual, scale) - huber_loss(more.residual, scale)
        if gain >= _SIGNIFICANT and not (len(more.coefficients) == 3 and more.coefficients[2] < 0):
            best = more
    level, slope, bend = (float(c) for c in np.pad(best.coefficients, (0, 3 - len(best.coefficients))))
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
