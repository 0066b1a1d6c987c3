"""A second estimate of the offsets of rows, from what the prior does not take for signal after the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from muguet.errors import MuguetError
from muguet.image.values import fill_missing
from muguet.noise.transfer.single_image import transfer_alone
from muguet.noise.transfer.variance import straight_line
from muguet.pattern.differences import PARTS
from muguet.pattern.rows import Lines
from muguet.pattern.spectrum import cosine, excess, inverse_cosine, purest, shared_variance, smoothed
from muguet.prediction.regions import Cut, map_plane
from muguet.restoration.prior import load_prior
from muguet.restoration.stabilised import SHIFT, Stabilised

Floats = npt.NDArray[np.float64]

_CORE = (512, 512)  # Size of a region, without its halo, in which the prior is computed.
_FEWEST = 300  # A point of the photon-transfer curve is the variance of at least this many pixels.
_CLIP = 2.5  # Residuals beyond this many standard deviations count less (Huber's weights).
_PROBE = 0.1  # Size of the known offsets that measure the response, in standard deviations of the noise of a pixel.
_PROBED = 128  # They are added to this many columns in the middle of the plane.
_MIN_RESPONSE = 0.01
_CLEAR_RESPONSE = 0.2  # Where more of an offset is left in the residual, the first estimate adds nothing.
_WIDE = 2.0  # Structures wider than a part of a row make the error of the mean of all parts about this much larger.


def second_estimate(plane: Floats, lines: Lines) -> Lines:
    """Return better offsets of the rows of a plane ``(y, x)``; the ones that are given if there are none.

    The plane y minus the first offsets ô is denoised by the prior. With x̂ the result and σ² the variance of the noise
    of a pixel, c = Σ (y − ô − x̂)/σ² / Σ 1/σ² over the pixels of a row is the part of the error of ô that the prior does
    not take for signal. It takes slow changes from row to row for signal: at every frequency of the cosine transform
    along Y, c is a part G of the error, which decreases towards low frequencies. G is measured as the change of c if
    small known offsets are added to some columns of the plane. The second measurement of the offsets is ô + c/G.

    The offsets of lines have the same power τ² at all frequencies. With P the power of the error of a measurement, its
    product with τ²/(τ² + P), which is Wiener's filter, has an error of the power τ² P/(τ² + P). P is the variance of
    the mean over the parts of a row, plus the part of the measured power that this variance and τ² do not explain.
    Where G is small, the result is the average of the first estimate and the filtered second measurement, each weighted
    by the inverse of the power of its error.

    Offsets that repeat are known better than that, and are left as they are.

    Parameters
    ----------
    plane
        Counts; NaN where a pixel is missing or saturated.
    lines
        The first estimate.
    """
    if lines.measured is None:
        return lines
    whole, parts = (cosine(each) for each in lines.measured)
    variance = shared_variance(parts)
    corrected = plane - lines.offsets[:, None]
    try:
        slope, constant = straight_line(transfer_alone([corrected], fewest=_FEWEST))
    except MuguetError:  # There are too few pixels to measure their noise.
        return Lines(lines.offsets)
    residual = _Residual(load_prior(), slope, constant)
    left, left_error, noise = residual.coefficients(corrected)
    if variance <= 0 or not np.isfinite(left).all():
        # The variance grows so little with the signal that electrons are no numbers.
        return Lines(lines.offsets)
    response = _response(residual, corrected, noise)
    first = cosine(lines.offsets)
    error_of_parts = _WIDE * ((parts - parts.mean(0)) ** 2).sum(0) / (PARTS * (PARTS - 1))
    _, first_error = _filtered(purest(whole), error_of_parts, variance)
    second, second_error = _filtered(first + left / response, left_error / response**2, variance)
    share = first_error / np.maximum(first_error + second_error, 1e-300)
    share[response > _CLEAR_RESPONSE] = 1.0
    mean = share * second + (1 - share) * first
    mean[0] = 0.0
    return Lines(inverse_cosine(mean))


def _filtered(measured: Floats, error: Floats, variance: float) -> tuple[Floats, Floats]:
    """Return Wiener's estimate of offsets with the same variance at every frequency, and the variance of its error.

    Parameters
    ----------
    measured, error
        Measured coefficients ``(m,)``, and the variances of their errors as far as these differ from part to part of a
        row. Where the power of the measured coefficients is larger than both explain, the scene has added the rest.
    variance
        That of the offsets.
    """
    noise = smoothed(error)[0]
    lost = noise + excess(measured, variance + noise)
    gain = variance / (variance + lost)
    return gain * measured, gain * lost


@dataclass(frozen=True, eq=False)
class _Residual:
    """What the prior leaves of a plane in counts whose noise has the variance slope · y + constant."""

    prior: Stabilised
    slope: float
    constant: float

    def coefficients(self, plane: Floats) -> tuple[Floats, Floats, float]:
        """Return the means of the residual over rows, the variances of their errors, and the noise of a pixel.

        Means and variances are those of the coefficients ``(m,)`` of the cosine transform. The variances are those of
        the weighted mean of the parts of a row, by the differences between the parts. The noise is a standard
        deviation in counts.
        """
        electrons = fill_missing((plane + self.constant / self.slope) / self.slope)
        estimate = _denoised(self.prior, electrons).astype(np.float64)
        precision = np.isfinite(plane) / np.maximum(estimate + SHIFT, SHIFT)
        residual = electrons - estimate
        size = np.abs(residual) * np.sqrt(precision)
        weight = precision * np.minimum(1.0, _CLIP / np.maximum(size, 1e-9))
        starts = np.linspace(0, plane.shape[1], PARTS + 1).astype(int)[:-1]
        with np.errstate(invalid="ignore", over="ignore"):
            sums = self.slope * np.add.reduceat(weight * residual, starts, 1).T
            weights = np.add.reduceat(weight, starts, 1).T
            mean = cosine(sums.sum(0) / np.maximum(weights.sum(0), 1e-300))
            parts = cosine(sums / np.maximum(weights, 1e-300))
            share = weights.mean(1) / max(float(weights.mean(1).sum()), 1e-300)
            variance = share**2 @ (parts - mean) ** 2 / max(1 - float(share @ share), 1e-9)
        noise = self.slope * float(np.sqrt(np.maximum(estimate + SHIFT, SHIFT).mean()))
        return mean, variance, noise


def _response(residual: _Residual, plane: Floats, noise: float) -> Floats:
    """Return which part of offsets is left in the residual, at every frequency ``(m,)``."""
    first = max(plane.shape[1] - _PROBED, 0) // 2
    middle = plane[:, first : first + _PROBED]
    signs = np.random.default_rng(0).choice([-1.0, 1.0], len(plane))
    signs[0] = 0.0
    probe = _PROBE * noise * signs
    offsets = inverse_cosine(probe)[:, None]
    change = residual.coefficients(middle + offsets)[0] - residual.coefficients(middle - offsets)[0]
    part = smoothed(0.5 * change * probe)[0] / np.maximum(smoothed(probe**2)[0], 1e-300)
    return np.maximum(np.nan_to_num(part), _MIN_RESPONSE)


def _denoised(prior: Stabilised, electrons: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the prior's estimate of a plane ``(y, x)`` in effective photo-electrons."""

    def estimate(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            blind: npt.NDArray[np.float32] = prior(torch.from_numpy(values)[None, None]).blind[0, 0].numpy()
        return blind

    return map_plane(estimate, electrons, Cut(_CORE, prior.halo, prior.stride))
