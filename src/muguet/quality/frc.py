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

_CERTAIN = 2.0
"""A ring counts as measured if the power of its signal exceeds this many of its standard errors."""

_FALLS_FROM = 0.97
"""The fall of the correlation is fitted from the last ring above this value on, …"""

_MIN_FITTED = 5
"""… if this many rings are measured from there on."""

_STRETCH = 0.8
"""Exponent of the frequency in the curve, chosen on the scenes that `benchmarks/resolution.py` calls seen."""

_MISFIT = 0.03
"""Standard deviation of true correlations around the curve."""

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
        That of the estimate and the signal, a fitted curve where it falls; NaN from the first ring on in which it
        cannot be understood. None without a response.
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

    Where |Y|² − |N|² is below its error, noise cannot be distinguished from signal, and the recorded image counts as
    noise. The estimate often holds details of this kind. Its correlation is therefore the curve

        FRC(f)² = 1 / (1 + 3 exp((f^p − f₀^p) / w)),  FRC(f₀) = 1/2,  p = 0.8,

    that fits the rings before, from the one on at which the correlation begins to fall. It is what the best linear
    filter leaves, FRC² = S/(S + N), of a signal whose power S falls about exponentially with the frequency f, as
    behind optics. If too few rings show the fall, |X|² is taken to be as large as its error, so that the correlation
    is not exaggerated.

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
    spread = np.where(known, std, 0.0) * rings.window
    noise = rings.counts * float(np.square(spread).sum())
    signal = power - noise
    # The window lets neighbouring frequencies share values: about one in two is independent.
    independent = rings.counts / 2 * _alike(spread**2)
    error = np.sqrt((noise**2 + 2 * noise * np.maximum(signal, 0)) / independent + (_LAW_ERROR * noise) ** 2)
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
    least_signal = np.maximum(signal, error)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = common / np.sqrt(own * least_signal)
        by_signal = measured - common / np.sqrt(own * (least_signal + _ONE_SIDED * error))
        by_noise = np.sqrt(noise / (2 * independent * least_signal))
        least = measured - np.hypot(by_signal, _ONE_SIDED * by_noise)
        deviation = np.hypot(measured * error / (2 * least_signal), by_noise)
    lost = np.flatnonzero(~(signal > _CERTAIN * error))
    denoised = _falling(rings, measured, deviation, int(lost[0]) if lost.size else rings.number)
    strange = np.maximum.accumulate(~(least <= _MAX_CORRELATION))
    denoised, least = (np.where(strange, np.nan, np.clip(each, -1.0, 1.0)) for each in (denoised, least))
    return Rings(rings.frequency, noisy, denoised, least)


def _alike(variances: Floats) -> float:
    """Return the share of pixels of equal variance whose noise fluctuates as that of these, (Σσ²)²/(pixels · Σσ⁴)."""
    most = float(np.square(variances).sum()) * variances.size
    return float(np.square(variances.sum())) / most if most else 1.0


def _falling(rings: _RingSums, measured: Floats, deviation: Floats, count: int) -> Floats:
    """Return correlations, the first `count` of them measured, with the curve of their fall, see `ring_correlation`."""
    from scipy.optimize import least_squares

    high = np.flatnonzero(measured[:count] > _FALLS_FROM)
    start = int(high[-1]) if high.size else 0
    if count - start < _MIN_FITTED:
        return measured
    frequency, fall = rings.frequency**_STRETCH, slice(start, count)
    # As many rings share their values as are averaged.
    weight = 1 / np.sqrt((deviation[fall] ** 2 + _MISFIT**2) * rings.averaged[fall])

    def curve(parameters: Floats, at: Floats) -> Floats:
        half, width = parameters
        values: Floats = 1 / np.sqrt(1 + 3 * np.exp(np.clip((at - half) * np.exp(-width), -50, 50)))
        return values

    first = np.array([frequency[count - 1], np.log(0.05)])
    fitted = least_squares(lambda p: (curve(p, frequency[fall]) - measured[fall]) * weight, first).x
    return np.concatenate([measured[:start], curve(fitted, frequency[start:])])


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
        self.averaged = self._high - self._low
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
