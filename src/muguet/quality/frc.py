"""Fourier ring correlation of an image and its unknown signal: down to which period are details right?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muguet.image.values import fill_missing
from muguet.quality.check import Floats

THRESHOLD = 0.5
"""Details count as resolved down to this correlation of an image with its signal. It corresponds to the threshold 1/7
for two images of independent noise: √(2·(1/7)/(1 + 1/7)) = 1/2; Rosenthal & Henderson 2003,
doi:10.1016/j.jmb.2003.07.013."""

_WIDTH = 0.2
"""Neighbouring rings are averaged over this share of their frequency."""

_LAW_ERROR = 0.03
"""Relative error of the variance of the noise. A signal whose power is less than this share of the noise's is not
separated from it."""

_ONE_SIDED = 1.64
"""The lower limit is this many standard errors below the measured correlation: the true one is above it with a
probability of 95 %."""

_FITTED = 1.6
"""A power of the frequency is fitted to the rings from one over this part of a frequency up to it, …"""

_MIN_FITTED = 5
"""… if there are this many."""

_MAX_CORRELATION = 1.1
"""No correlation exceeds 1. If a measured one does by more than chance allows, the response of the estimate is not
understood, because neighbours share noise or the noise is far from Gaussian, and no figure is given."""


@dataclass(frozen=True, eq=False)
class Response:
    """How the estimate of a plane responds to noise.

    Attributes
    ----------
    recorded, std, estimate
        The recorded plane y, the standard deviation of its noise, and its estimate x̂(y), ``(Y, X)`` in counts,
        without missing pixels.
    noise, change
        Noise b of the law's variance that was drawn, and the change (x̂(y + εb) − x̂(y))/ε, ``(n, Y, X)``.
    """

    recorded: Floats
    std: Floats
    estimate: Floats
    noise: Floats
    change: Floats


@dataclass(frozen=True, eq=False)
class Rings:
    """Correlations with the unknown signal in rings of similar frequency.

    Attributes
    ----------
    frequency
        Centres of the rings in cycles per pixel, up to the Nyquist frequency of 0.5, ``(rings,)``.
    noisy
        Fourier ring correlation of the recorded image and its signal, 0 to 1.
    denoised
        That of the estimate and the signal; NaN from the first ring on in which it cannot be measured. None without
        a response.
    least
        Lower limit of `denoised`, which the true correlation exceeds with a probability of 95 %.
    """

    frequency: Floats
    noisy: Floats
    denoised: Floats | None = None
    least: Floats | None = None


def ring_correlation(recorded: Floats, std: Floats, response: Response | None = None) -> Rings | None:
    """Return the Fourier ring correlation of a noisy plane, and of its estimate, with the unknown signal.

    With sums over a ring of frequencies and Y = X + N, where the noise N has the known power |N|²,

    - FRC(y, x) = √(|X|²/|Y|²), and |X|² = |Y|² − |N|²;
    - FRC(x̂, x) = Re Σ X̂X* / √(|X̂|²|X|²), and Σ X̂X* = Σ X̂Y* − Σ X̂N*.

    The last sum is the degree to which the estimate follows the noise. Its mean is that of Σ F(J b) F(b)*, where b is
    noise of the same variance that is drawn and J b the change that it causes in the estimate: Stein's lemma (Stein
    1981, doi:10.1214/aos/1176345632) in each ring, with the trace estimated as by Ramani, Blu & Unser 2008
    (doi:10.1109/TIP.2008.2001404). The Fourier ring correlation is that of Saxton & Baumeister 1982
    (doi:10.1111/j.1365-2818.1982.tb00405.x). The mean is subtracted, and a Hann window suppresses artefacts of the
    borders.

    Where |Y|² − |N|² is below its error, noise cannot be distinguished from signal: the recorded image then counts as
    noise, and for the estimate |X|² continues as the power of the frequency that fits the rings before, up to this
    error. Behind any optics a signal falls faster than that, so that the correlation is not exaggerated.

    Parameters
    ----------
    recorded, std
        The image y and the standard deviation of its noise, ``(Y, X)`` in counts; NaN where a pixel is missing.
    response
        The response of an estimate to noise; its planes, which may be a part of the image, replace the other two.

    Returns
    -------
    Rings or None
        None if a side is shorter than 16 pixels or no pixel is known.
    """
    if response is not None:
        recorded, std = response.recorded, response.std
    known = np.isfinite(recorded) & np.isfinite(std)
    if min(recorded.shape) < 16 or not known.any():
        return None
    rings = _RingSums(recorded.shape)
    # A missing pixel is filled, since a hole would have the power of a structure.
    centred = np.where(known, recorded - recorded[known].mean(), np.nan)
    filled: Floats = np.asarray(fill_missing(centred), np.float64)
    plane = rings.transform(filled)
    power = rings.sums(np.abs(plane) ** 2)
    noise = rings.counts * float(np.square(np.where(known, std, 0.0) * rings.window).sum())
    # The window lets neighbouring frequencies share values: about one in two is independent.
    error = noise * np.sqrt(4 / rings.counts + _LAW_ERROR**2)
    signal = power - noise
    noisy = np.where(signal > error, np.sqrt(np.maximum(signal, 0) / np.maximum(power, 1e-300)), 0.0)
    if response is None:
        return Rings(rings.frequency, noisy)
    estimate = rings.transform(response.estimate - response.estimate.mean())
    own = rings.sums(np.abs(estimate) ** 2)
    followed = np.mean(
        [
            rings.sums((rings.transform(change) * rings.transform(drawn).conj()).real)
            for drawn, change in zip(response.noise, response.change, strict=True)
        ],
        axis=0,
    )
    common = rings.sums((estimate * plane.conj()).real) - followed
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = _continued(rings.frequency, signal / rings.counts, error / rings.counts)
        denoised = common / np.sqrt(own * mean * rings.counts)
    spread = np.where(known, std, 0.0) * rings.window
    power_of_signal = np.where(signal > error, signal, mean * rings.counts)
    least = _lower_limit(denoised, common, own, power_of_signal, noise, rings.counts / 2 * _alike(spread**2))
    strange = np.maximum.accumulate(~(least <= _MAX_CORRELATION))
    denoised, least = (np.where(strange, np.nan, np.clip(each, -1.0, 1.0)) for each in (denoised, least))
    return Rings(rings.frequency, noisy, denoised, least)


def _alike(variances: Floats) -> float:
    """Return the share of pixels of equal variance whose noise fluctuates as that of these, (Σσ²)²/(pixels · Σσ⁴)."""
    most = float(np.square(variances).sum()) * variances.size
    return float(np.square(variances.sum())) / most if most else 1.0


def _lower_limit(
    correlation: Floats, common: Floats, own: Floats, signal: Floats, noise: Floats, independent: Floats
) -> Floats:
    """Return the correlation less the errors of |X|² and of Σ X̂N*, see `ring_correlation`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((noise**2 + 2 * noise * signal) / independent + (_LAW_ERROR * noise) ** 2)
        by_signal = correlation - common / np.sqrt(own * (signal + _ONE_SIDED * error))
        by_noise = _ONE_SIDED * np.sqrt(noise / (2 * independent * signal))
        least: Floats = correlation - np.hypot(by_signal, by_noise)
    return least


def _continued(frequency: Floats, signal: Floats, error: Floats) -> Floats:
    """Return the mean power of the signal in rings, continued from the first ring on in which it is below its error."""
    lost = np.flatnonzero(signal <= error)
    first = int(lost[0]) if lost.size else len(signal)
    near = np.flatnonzero(frequency[:first] >= frequency[min(first, len(signal) - 1)] / _FITTED)
    if first == len(signal) or len(near) < _MIN_FITTED:
        return np.maximum(signal, error)
    slope, start = np.polyfit(np.log(frequency[near]), np.log(signal[near]), 1)
    further = np.exp(start + min(slope, 0.0) * np.log(frequency[first:]))
    return np.concatenate([signal[:first], np.minimum(further, error[first:])])


class _RingSums:
    """Sums over rings of frequencies of planes of one shape, each with its neighbours (`_WIDTH`)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        fy, fx = (np.fft.fftfreq(size) for size in shape)
        self.number = min(shape) // 2
        self._ring = np.rint(np.hypot(fy[:, None], fx) * 2 * self.number).astype(np.intp).ravel()
        self.frequency: Floats = np.arange(1, self.number + 1) / (2 * self.number)
        self.window: Floats = np.hanning(shape[0] + 2)[1:-1, None] * np.hanning(shape[1] + 2)[1:-1]
        half = np.maximum(np.rint(_WIDTH / 2 * np.arange(1, self.number + 1)), 1).astype(np.intp)
        at = np.arange(self.number)
        self._low, self._high = np.maximum(at - half, 0), np.minimum(at + half + 1, self.number)
        self.counts = self.sums(np.ones(shape))

    def transform(self, plane: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
        """Return the Fourier transform of a plane under the window."""
        return np.fft.fft2(plane * self.window)

    def sums(self, values: Floats) -> Floats:
        """Return the sums of values at all frequencies over each ring and its neighbours."""
        single = np.bincount(self._ring, values.ravel(), minlength=self.number + 1)[1 : self.number + 1]
        total = np.concatenate([[0.0], np.cumsum(single)])
        sums: Floats = total[self._high] - total[self._low]
        return sums


def resolution(frequency: Floats, correlation: Floats, threshold: float = THRESHOLD) -> float:
    """Return the period in pixels at which a correlation first falls below a threshold, interpolated between rings.

    The result is 2 if the correlation never falls below the threshold (details are finer than the pixels can show),
    infinite if the first ring is below it, and NaN if the correlation is unknown before it falls.
    """
    end = np.flatnonzero(~(correlation >= threshold))
    if not len(end):
        return 2.0 if len(correlation) else float("nan")
    at = int(end[0])
    if np.isnan(correlation[at]):
        return float("nan")
    if at == 0:
        return float("inf")
    share = (correlation[at - 1] - threshold) / (correlation[at - 1] - correlation[at])
    return float(1 / (frequency[at - 1] + share * (frequency[at] - frequency[at - 1])))
