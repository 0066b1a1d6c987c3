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
_PASSES = 2  # The prior takes less of the smaller errors that are left after the first pass for signal.
_PROBE = 0.1  # Size of the known offsets that measure the response, in standard deviations of the noise of a pixel.
_PROBED = 128  # They are added to this many columns, where the most pixels are known.
_MIN_RESPONSE = 0.01
_CLEAR_RESPONSE = 0.3  # Where more of an offset is left in the residual, the first estimate adds nothing.
_UNLIKELY = 3.0  # Power beyond this many standard errors of that of the offsets is of the scene.
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
    the mean over the parts of a row, plus the part of the measured power that this variance, τ² and chance do not
    explain. Where G is small, the result is the average of the first estimate and the filtered second measurement, each
    weighted by the inverse of the power of its error. This is done twice, with the same G.

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
    if variance <= 0:
        return Lines(lines.offsets)
    residual = _Residual(load_prior(), slope, constant)
    first_error = _remaining(purest(whole), parts, variance)
    response = _response(residual, corrected)
    estimate = cosine(lines.offsets)
    for _ in range(_PASSES):
        left, left_error = residual.coefficients(plane - inverse_cosine(estimate)[:, None])
        if not np.isfinite(left).all():
            # The variance grows so little with the signal that electrons are no numbers.
            return Lines(lines.offsets)
        measured = estimate + left / response
        lost = _lost(measured, smoothed(left_error / response**2)[0], variance)
        gain = variance / (variance + lost)  # Wiener's filter.
        second, second_error = gain * measured, gain * lost
        share = first_error / np.maximum(first_error + second_error, 1e-300)
        share[response > _CLEAR_RESPONSE] = 1.0
        estimate = share * second + (1 - share) * estimate
        estimate[0] = 0.0
    return Lines(inverse_cosine(estimate))


def _lost(measured: Floats, noise: Floats, variance: float) -> Floats:
    """Return the variance ``(m,)`` of the errors of measured coefficients: noise, and power that chance hardly has."""
    power, number = smoothed(measured**2)
    likely = (variance + noise) * (1 + _UNLIKELY * np.sqrt(2 / number))
    found: Floats = noise + np.maximum(power - likely, 0.0)
    return found


def _remaining(whole: Floats, parts: Floats, variance: float) -> Floats:
    """Return the variance of the errors of the first estimate, from what was measured.

    Parameters
    ----------
    whole, parts
        Measured coefficients of the whole width ``(m,)`` and of its parts ``(parts, m)``. The parts differ from the
        whole by their errors; where the power of the whole is larger than these and the offsets explain, the scene has
        added the rest.
    variance
        That of the offsets.
    """
    each = np.stack([smoothed((part - whole) ** 2)[0] for part in parts])
    noise = _WIDE / (1 / np.maximum(each, 1e-300)).sum(0)
    lost = noise + excess(whole, variance + noise)
    found: Floats = variance * lost / (variance + lost)
    return found


@dataclass(frozen=True, eq=False)
class _Residual:
    """What the prior leaves of a plane in counts whose noise has the variance slope · y + constant."""

    prior: Stabilised
    slope: float
    constant: float

    def coefficients(self, plane: Floats) -> tuple[Floats, Floats]:
        """Return the coefficients ``(m,)`` of the means of the residual over rows, and the variances of their errors.

        The variances are those of the weighted mean of the parts of a row, by the differences between the parts.
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
        return mean, variance

    def noise(self, plane: Floats) -> float:
        """Return the mean standard deviation of the noise of a pixel in counts."""
        return float(
            np.sqrt(np.maximum(self.slope * np.nanmean(plane) + self.constant, SHIFT * self.slope**2))
        )


def _response(residual: _Residual, plane: Floats) -> Floats:
    """Return which part of offsets is left in the residual, at every frequency ``(m,)``."""
    known = np.isfinite(plane)
    total = np.concatenate([[0], known.sum(0).cumsum()])
    width = min(_PROBED, plane.shape[1])
    middle = (plane.shape[1] - width) // 2
    starts = sorted(range(plane.shape[1] - width + 1), key=lambda start: abs(start - middle))
    first = max(starts, key=lambda start: total[start + width] - total[start])
    columns = slice(first, first + width)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], len(plane))
    offsets = inverse_cosine(_PROBE * residual.noise(plane) * signs) * known[:, columns].any(1)
    some, probe = plane[:, columns], cosine(offsets)
    more, less = (residual.coefficients(some + sign * offsets[:, None])[0] for sign in (1, -1))
    part = smoothed(0.5 * (more - less) * probe)[0] / np.maximum(smoothed(probe**2)[0], 1e-300)
    return np.maximum(np.nan_to_num(part), _MIN_RESPONSE)


def _denoised(prior: Stabilised, electrons: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the prior's estimate of a plane ``(y, x)`` in effective photo-electrons."""

    def estimate(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            blind: npt.NDArray[np.float32] = prior(torch.from_numpy(values)[None, None]).blind[0, 0].numpy()
        return blind

    return map_plane(estimate, electrons, Cut(_CORE, prior.halo, prior.stride))
