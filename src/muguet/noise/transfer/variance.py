"""Variance of the noise as a polynomial of the signal: read noise, shot noise and noise proportional to the signal."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.robust import huber_loss, robust_fit

Values = TypeVar("Values", Tensor, npt.NDArray[np.floating])

_MIN_GAIN = 9.0  # A term must lower χ² by this much, three standard errors, to be kept.
_ROUNDS = 15  # Rounds of the robust fit with Huber's weights, and as many with Tukey's.
_LEAST_SLOPE = 1e-3  # A line has at least this slope, in units of the standard deviation of the noise.
_MIN_SHARE = 0.25  # The variance is never below this part of that at the darkest point.


@dataclass(frozen=True)
class Variance:
    """σ²(x) = constant + linear·x + quadratic·x², never below `floor`.

    The terms are those of a camera: read noise and offset in the first, shot noise in the second, noise
    proportional to the signal (speckle, uneven gain) in the third. EMVA Standard 1288, release 4.0, 2021;
    Janesick, *Photon Transfer*, 2007 (doi:10.1117/3.725073).

    Attributes
    ----------
    constant, linear, quadratic
        Coefficients; with the signal in counts, in counts², in counts and without unit.
    floor
        Smallest variance, in the same units as `constant`: a line may cross zero where a signal is estimated too dark.
    misfit
        Mean relative deviation of σ from the points that were fitted, weighted by their pixels. Two standard errors
        of σ are subtracted from each deviation first.
    """

    constant: float
    linear: float
    quadratic: float
    floor: float
    misfit: float = 0.0

    def __call__(self, signal: Values) -> Values:
        """Return the variance at each signal, in the shape of the signal."""
        value = self.constant + signal * (self.linear + self.quadratic * signal)
        return value.clip(self.floor, None)


def straight_line(points: MeanVariance) -> tuple[float, float]:
    """Return the slope and the constant of the line σ²(x) = slope·x + constant nearest to a photon-transfer curve.

    The line minimises the mean squared relative deviation from `fitted_variance`, weighted by the numbers of pixels. If
    the variance does not grow with the signal, the slope is a thousandth of σ, as for very many photo-electrons.
    """
    curve = fitted_variance(points)
    variance = curve(points.signal)
    slope, constant = curve.linear, curve.constant
    if curve.quadratic > 0:
        weight = np.sqrt(points.count) / variance
        design = np.stack([points.signal, np.ones_like(points.signal)], 1)
        fit = np.linalg.lstsq(design * weight[:, None], variance * weight, rcond=None)[0]
        slope, constant = (float(value) for value in fit)
    mean = float(np.average(variance, weights=points.count))
    least = _LEAST_SLOPE * mean**0.5
    if slope < least:
        slope, constant = least, mean - least * float(np.average(points.signal, weights=points.count))
    return slope, constant


@functools.lru_cache(maxsize=64)  # Several measurements of a run need the fit of the same curve.
def fitted_variance(points: MeanVariance) -> Variance:
    """Fit a polynomial with as few terms as necessary to a photon-transfer curve.

    The fit is `muguet.noise.transfer.robust.robust_fit`, with Huber's weights and then with Tukey's. A term is kept if
    it lowers χ² by 9, three standard errors; a negative quadratic term is never kept.

    Parameters
    ----------
    points
        The curve, of at least two points.
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
            tukey_rounds=_ROUNDS,  # Wrong points at the ends have a long lever and are to count for nothing.
            min_scale=1.0,
        )
        for terms in range(1, min(3, len(signal) - 1) + 1)
    ]
    scale = fits[-1].scale  # The scatter about the polynomial with all terms.
    best = fits[0]
    for more in fits[1:]:
        gain = huber_loss(best.residual, scale) - huber_loss(more.residual, scale)
        if gain >= _MIN_GAIN and not (len(more.coefficients) == 3 and more.coefficients[2] < 0):
            best = more
    level, slope, bend = (float(c) for c in np.pad(best.coefficients, (0, 3 - len(best.coefficients))))
    floor = _MIN_SHARE * max(
        float(np.polyval([bend, slope, level], x[0])), 0.5 * float(variance.min()), 1e-300
    )
    fitted = np.maximum(design @ [level, slope, bend], floor)
    # Two standard errors of σ are one of the variance, relative to each.
    off = np.abs(np.sqrt(variance / fitted) - 1) - relative
    return Variance(
        constant=level - slope * centre / unit + bend * (centre / unit) ** 2,
        linear=slope / unit - 2 * bend * centre / unit**2,
        quadratic=bend / unit**2,
        floor=floor,
        misfit=float(np.average(np.maximum(off, 0), weights=points.count)),
    )
